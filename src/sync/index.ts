export { openSyncApi } from './api.ts';
export { checkUris } from './clusters.ts';
export { readSyncConfiguration } from './configuration.ts';
export { SyncSession } from './session.ts';
