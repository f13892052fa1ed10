export { ACCESS_TOKEN_LIFE_SECONDS, findTokenAccount, issueAccessToken, revokeAccessToken } from './access-tokens.ts';
export { type Account, type Actor, findAccount } from './actor.ts';
export { AgentSignals } from './agent-signals.ts';
export { availableProjects } from './available-projects.ts';
export { type BootstrapResult, type BootstrapWishes, bootstrap } from './bootstrap.ts';
export { getCluster, listClusters, registerCluster, type ShownCluster } from './clusters.ts';
export type { Control } from './control.ts';
export { createLinkToken } from './create-link-token.ts';
export { deleteLinks } from './delete-links.ts';
export { expireMigrations, keepExpiring } from './expire-migrations.ts';
export { createGroup, getGroup, getOrganization, listGroups, listGroupsOf, listOrganizations } from './groups.ts';
export { assertLinked, findAgent, type LinkedAgent } from './identify-agent.ts';
export { listLinks } from './list-links.ts';
export { assertMasterKey, loadMasterKey } from './master-key.ts';
export type { OrderRequest } from './migration-order.ts';
export {
  type MigrationEvent,
  type MigrationState,
  type MigrationStatus,
  NEW_MIGRATION,
} from './migration-state.ts';
export { transition } from './migration-transitions.ts';
export {
  cancelMigration,
  extendWindow,
  limitCopy,
  pauseMigration,
  requestCutover,
  resumeMigration,
  setLoadLevel,
} from './migration-wishes.ts';
export { createMigration, getMigration, listMigrations } from './migrations.ts';
export type {
  Agent,
  ApiKey,
  Cluster,
  Group,
  Link as StoredLink,
  Migration,
  Order,
  Organization,
  RevokedAccessToken,
  ServiceAccount,
  StoredLinkToken,
  Validation,
} from './records.ts';
export { redeemLinkToken } from './redeem-link-token.ts';
export { type Sealed, Sealer } from './sealer.ts';
export { CLIENT_ID_PATTERN, findServiceAccount } from './service-accounts.ts';
export type { Store, StoreTransaction } from './store-port.ts';
export { takeReport } from './take-report.ts';
export { getValidation, startValidation } from './validations.ts';
export { awaitWantedState } from './wanted-state.ts';
