export { openSyncApi } from './api.ts';
export { checkUris, pairIdOf } from './clusters.ts';
export { readSyncConfiguration } from './configuration.ts';
export type { InitialLoad } from './load-request.ts';
export { PreflightFailed } from './preflight-failed.ts';
export type { RequestedSelection } from './requested-selection.ts';
export { SyncSession } from './session.ts';
export { SyncHooks } from './sync-hooks.ts';
