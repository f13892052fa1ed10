import { NO_CHUNKS, type Routing, type Sharding } from './catalog.ts';
import { encodeElements } from './elements.ts';

/** Errors of a shard that no longer has what the catalog said: StaleConfig, StaleDbVersion, StaleEpoch. */
const STALE: readonly number[] = [13388, 249, 150];

/** Returns the fields by which a shard checks that the router knows its chunks. */
export function versionElements({ databaseVersion, sharded }: Routing, shard: string): Buffer[] {
  if (!sharded) return encodeElements({ databaseVersion });
  return encodeElements({ shardVersion: sharded.versions.get(shard) ?? versionWithoutChunks(sharded) });
}

export function isStale(code: unknown): boolean {
  return STALE.includes(Number(code));
}

function versionWithoutChunks({ versions }: Sharding) {
  return { ...versions.values().next().value, v: NO_CHUNKS };
}
