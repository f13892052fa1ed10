export {
  addToAccessList,
  blockOf,
  getAccessListEntry,
  type ListOwner,
  listAccessList,
  MOST_ENTRIES,
  removeFromAccessList,
} from './accounts/access-list.ts';
export {
  ACCESS_TOKEN_LIFE_SECONDS,
  claimedClientId,
  findTokenAccount,
  issueAccessToken,
  revokeAccessToken,
} from './accounts/access-tokens.ts';
export { authorizePlace, findAccount } from './accounts/actor.ts';
export {
  createApiKey,
  deleteApiKey,
  findOwnApiKey,
  getApiKey,
  listApiKeys,
  type MadeApiKey,
  updateApiKey,
} from './accounts/api-keys.ts';
export { actorOf, type Caller } from './accounts/caller.ts';
export { type Credential, findCredential, standingOf } from './accounts/credential.ts';
export { createGroupApiKey, listGroupApiKeys, setGroupApiKeyRoles } from './accounts/group-api-keys.ts';
export { ownersExpireAtMs } from './accounts/owners-expiry.ts';
export { assertStillAdmitted, controlFor, type Sender, whyRefusedFrom } from './accounts/sender.ts';
export {
  type AuthenticatedClient,
  addSecret,
  CLIENT_ID_PATTERN,
  createServiceAccount,
  deleteSecret,
  deleteServiceAccount,
  findServiceAccount,
  getServiceAccount,
  listServiceAccounts,
  type MadeSecret,
  type MadeServiceAccount,
  updateServiceAccount,
} from './accounts/service-accounts.ts';
export { type SessionCaller, Sessions } from './accounts/sessions.ts';
export { SignInLinks } from './accounts/sign-in-links.ts';
export { keepWarningOfExpiry } from './accounts/warn-of-expiry.ts';
export { withAuditMacs } from './audit/audit-macs.ts';
export { AUDIT_TARGET_KINDS, type AuditTargetKind, isAuditTargetKind, targetDetails } from './audit/audit-targets.ts';
export { withChangesLogged } from './audit/log-changes.ts';
export type { Claim, SecurityEvent, SecurityEventType } from './audit/security-event.ts';
export { SecurityEvents } from './audit/security-events.ts';
export { ServerKeys } from './audit/server-keys.ts';
export { deleteCluster, getCluster, listClusters, registerCluster, type ShownCluster } from './clusters/clusters.ts';
export { keepDestinationUsers } from './clusters/keep-destination-users.ts';
export { updateCluster } from './clusters/update-cluster.ts';
export { beginHooks, keepHooks } from './hooks/keep-hooks.ts';
export { approveLink } from './links/approve-link.ts';
export { availableProjects } from './links/available-projects.ts';
export { createLinkToken, MOST_LINK_TOKENS } from './links/create-link-token.ts';
export { deleteLinks } from './links/delete-links.ts';
export { assertLinked, assertLinkOpen, findAgent, type LinkedAgent } from './links/identify-agent.ts';
export { listLinks } from './links/list-links.ts';
export { redeemLinkToken } from './links/redeem-link-token.ts';
export { revokeLink } from './links/revoke-link.ts';
export { unlinkAgent } from './links/unlink-agent.ts';
export { type BootstrapOptions, type BootstrapResult, bootstrap } from './maintenance/bootstrap.ts';
export {
  assertMasterKey,
  keepFormerMasterKey,
  loadMasterKeys,
  newMasterKey,
  replaceMasterKeys,
} from './maintenance/master-key.ts';
export { reseal } from './maintenance/reseal.ts';
export {
  acknowledgeRestores,
  credentialsToReview,
  settleRestore,
  unacknowledgedRestores,
} from './maintenance/restores.ts';
export { type AuditHead, verifyAudit } from './maintenance/verify-audit.ts';
export { keepAnnouncing } from './migrations/announce.ts';
export { askForDigest, workOnDigests } from './migrations/digests.ts';
export { expireMigrations, keepExpiring } from './migrations/expire-migrations.ts';
export { finishMigration, reverseMigration } from './migrations/failback-requests.ts';
export { labelMigration } from './migrations/label-migration.ts';
export { listMigrations, listMigrationsOf, type MigrationFilter } from './migrations/list-migrations.ts';
export { getList, type ListPage } from './migrations/lists.ts';
export { contactOfMigration } from './migrations/migration-contact.ts';
export type { OrderRequest } from './migrations/migration-order.ts';
export { type MigrationView, viewMigration } from './migrations/migration-view.ts';
export {
  createMigration,
  getCutoverReport,
  getMigration,
} from './migrations/migrations.ts';
export { moveMigration } from './migrations/move-migration.ts';
export {
  abortCutover,
  cancelMigration,
  confirmDrops,
  extendWindow,
  limitCopy,
  pauseMigration,
  rehearseCutover,
  requestCutover,
  resumeMigration,
  setLoadLevel,
  setLoadWindows,
} from './migrations/operator-requests.ts';
export { problemsOf } from './migrations/problems-of.ts';
export { getSamples } from './migrations/samples.ts';
export { standbysOf } from './migrations/standbys.ts';
export { takeReport } from './migrations/take-report.ts';
export { getValidation, startValidation } from './migrations/validations.ts';
export { awaitWantedState } from './migrations/wanted-state.ts';
export { deleteOrganization } from './organizations/delete-organization.ts';
export { getEvent, listEvents, verifyEvents } from './organizations/events.ts';
export {
  createGroup,
  deleteGroup,
  getGroup,
  getGroupByName,
  listGroups,
  listGroupsOf,
  renameGroup,
} from './organizations/groups.ts';
export {
  createOrganization,
  getOrganization,
  listOrganizations,
  renameOrganization,
  requireAccessLists,
} from './organizations/organizations.ts';
export { AgentSignals } from './ports/agent-signals.ts';
export { Alarm } from './ports/alarm.ts';
export type { Control } from './ports/control.ts';
export type { DestinationPort, DiallingTenant, MigrationUser } from './ports/destination-port.ts';
export { activeSide, stillBlocked } from './records/active-side.ts';
export type { Actor } from './records/actor.ts';
export type { HookDelivery } from './records/hook-records.ts';
export { KEEPING, type Keeping, type Kind, type Records } from './records/kinds.ts';
export {
  isFinishing,
  type MigrationEvent,
  type MigrationState,
  NEW_MIGRATION,
} from './records/migration-state.ts';
export { transition } from './records/migration-transitions.ts';
export {
  type AuditFilter,
  accountNamed,
  accountsOf,
  auditRecordsAfter,
  clusterNamed,
  clustersOf,
  countAuditRecords,
  findAuditRecords,
  findOrganizations,
  groupsOf,
  lastAuditRecord,
  lastValidationInto,
  linkedAgentsOf,
  markRedeemed,
  migrationsSince,
  openLinkTokensOf,
  standingDestinationUsers,
} from './records/queries.ts';
export type { HasEntry, Where, Window } from './records/query.ts';
export type {
  AccessListEntry,
  Agent,
  ApiKey,
  AuditRecord,
  Cluster,
  DestinationUser,
  Group,
  ListItems,
  ListName,
  Migration,
  MigrationSample,
  Order,
  Organization,
  PutBack,
  ReportedList,
  ServiceAccount,
  ServiceAccountSecret,
  StoredLinkToken,
  StoredListItem,
  Validation,
} from './records/records.ts';
export {
  GROUP_ROLES,
  type GroupRole,
  grantsInGroup,
  ORGANIZATION_ROLES,
  type OrganizationRole,
} from './records/roles.ts';
export { type Sealed, type SealedPlace, Sealer } from './records/sealer.ts';
export { findOne, type Store, type StoreReader, type StoreTransaction } from './records/store-port.ts';
