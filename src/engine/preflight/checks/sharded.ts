import { listReshardings, listShards } from '../../mongodb/sharding.ts';
import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';

/** The name that servers give a config server as a shard. */
const CONFIG_SHARD = 'config';

interface ShardedLook extends Pick<Look, 'source'> {
  readonly from: Pick<Look['from'], 'sharded'>;
  readonly options: Pick<Look['options'], 'once'>;
}

/** Finds what is different with a sharded source: what was never tried, and how its write block behaves. */
export async function checkSharded({ source, from, options }: ShardedLook): Promise<Found[]> {
  if (!from.sharded) return [];
  // Such a shard has one document for its own block and for that of the cluster (server source; not tried).
  // rule: refuse-config-shard
  const isShard = !options.once && (await listShards(source)).some(({ name }) => name === CONFIG_SHARD);
  const warnings = [found('SHARDED_SOURCE_EXPERIMENTAL'), ...(options.once ? [] : [found('SHARDED_BLOCK_WAITS')])];
  const resharded = await listReshardings(source);
  const refused = isShard ? [found('CONFIG_SHARD')] : [];
  return [
    ...refused,
    ...resharded.map((namespace) => found('RESHARDING_UNDER_WAY', [namespace], namespace)),
    ...warnings,
  ];
}
