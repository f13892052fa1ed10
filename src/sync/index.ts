export { openSyncApi } from './api.ts';
export { type ClusterUris, checkUris } from './clusters.ts';
export { readSyncConfiguration, type SyncConfiguration } from './configuration.ts';
export { SyncSession } from './session.ts';
