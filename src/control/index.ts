export {
  addToAccessList,
  blockOf,
  getAccessListEntry,
  type ListOwner,
  listAccessList,
  removeFromAccessList,
} from './access-list.ts';
export {
  ACCESS_TOKEN_LIFE_SECONDS,
  claimedClientId,
  findTokenAccount,
  issueAccessToken,
  revokeAccessToken,
} from './access-tokens.ts';
export { type Account, type Actor, findAccount, requiresAccessList } from './actor.ts';
export { AgentSignals } from './agent-signals.ts';
export { Alarm } from './alarm.ts';
export {
  createApiKey,
  deleteApiKey,
  findOwnApiKey,
  getApiKey,
  listApiKeys,
  type MadeApiKey,
  updateApiKey,
} from './api-keys.ts';
export { approveLink } from './approve-link.ts';
export { beginAuditMacs, withAuditMacs } from './audit-macs.ts';
export { availableProjects } from './available-projects.ts';
export { type BootstrapResult, type BootstrapWishes, bootstrap } from './bootstrap.ts';
export { deleteCluster, getCluster, listClusters, registerCluster, type ShownCluster } from './clusters.ts';
export type { Control } from './control.ts';
export { createLinkToken } from './create-link-token.ts';
export { deleteLinks } from './delete-links.ts';
export { deleteOrganization } from './delete-organization.ts';
export type { DestinationPort, DiallingTenant, UserCredentials } from './destination-port.ts';
export { getEvent, listEvents } from './events.ts';
export { expireMigrations, keepExpiring } from './expire-migrations.ts';
export { createGroupApiKey, listGroupApiKeys, setGroupApiKeyRoles } from './group-api-keys.ts';
export {
  createGroup,
  deleteGroup,
  getGroup,
  getGroupByName,
  listGroups,
  listGroupsOf,
  renameGroup,
} from './groups.ts';
export { assertLinked, findAgent, type LinkedAgent } from './identify-agent.ts';
export { keepDestinationUsers } from './keep-destination-users.ts';
export { listLinks } from './list-links.ts';
export { assertMasterKey, loadMasterKeys, newMasterKey, replaceMasterKeys } from './master-key.ts';
export type { OrderRequest } from './migration-order.ts';
export {
  type MigrationEvent,
  type MigrationState,
  type MigrationStatus,
  NEW_MIGRATION,
} from './migration-state.ts';
export { transition } from './migration-transitions.ts';
export { type MigrationView, viewMigration } from './migration-view.ts';
export {
  cancelMigration,
  confirmDrops,
  extendWindow,
  limitCopy,
  pauseMigration,
  requestCutover,
  resumeMigration,
  setLoadLevel,
} from './migration-wishes.ts';
export { createMigration, getMigration, listMigrations } from './migrations.ts';
export {
  createOrganization,
  getOrganization,
  listOrganizations,
  renameOrganization,
  requireAccessLists,
} from './organizations.ts';
export type {
  AccessListEntry,
  Agent,
  ApiKey,
  AuditKey,
  AuditRecord,
  Cluster,
  DestinationUser,
  Group,
  Link as StoredLink,
  Migration,
  Order,
  Organization,
  Restore,
  RevokedAccessToken,
  ServerKey,
  ServiceAccount,
  ServiceAccountSecret,
  StoredLinkToken,
  Validation,
} from './records.ts';
export { redeemLinkToken } from './redeem-link-token.ts';
export { reseal } from './reseal.ts';
export {
  acknowledgeRestores,
  credentialsToReview,
  settleRestore,
  unacknowledgedRestores,
} from './restores.ts';
export { revokeLink } from './revoke-link.ts';
export { GROUP_ROLES, ORGANIZATION_ROLES } from './roles.ts';
export { type Sealed, type SealedPlace, Sealer } from './sealer.ts';
export type { Claim, SecurityEvent, SecurityEventType } from './security-event.ts';
export { SecurityEvents } from './security-events.ts';
export { ServerKeys } from './server-keys.ts';
export {
  type AuthenticatedAccount,
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
} from './service-accounts.ts';
export type { AuditFilter, PutBack, Store, StoreReader, StoreTransaction } from './store-port.ts';
export { takeReport } from './take-report.ts';
export { unlinkAgent } from './unlink-agent.ts';
export { updateCluster } from './update-cluster.ts';
export { getValidation, startValidation } from './validations.ts';
export { type AuditHead, verifyAudit } from './verify-audit.ts';
export { awaitWantedState } from './wanted-state.ts';
