import { version } from '../platform/index.ts';
import { hostsOf } from './clusters.ts';
import type { SyncSession } from './session.ts';

/**
 * Returns the answer of `GET /settings`: the settings on which a start depends.
 * @param mayChange  whether the caller may make calls that change something
 */
export function settingsResponse(settings: SyncSession['settings'], mayChange: boolean) {
  const { uris, dropDestination = null, reversible = false, verification = 'repair' } = settings;
  return {
    version,
    /** The hosts of each connection string, without credentials. */
    clusters: hostsOf(uris),
    /** The side that a start as the destination empties first. */
    dropDestination,
    reversible,
    verification,
    mayChange,
  };
}

/** The answer of `GET /settings`. */
export type ShownSettings = ReturnType<typeof settingsResponse>;
