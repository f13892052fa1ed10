import { listReshardings } from '../../mongodb/sharding.ts';
import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';

interface ShardedLook extends Pick<Look, 'source'> {
  readonly from: Pick<Look['from'], 'sharded'>;
  readonly options: Pick<Look['options'], 'once'>;
}

/** Finds what is different with a sharded source: what was never tried, and how its write block behaves. */
export async function checkSharded({ source, from, options }: ShardedLook): Promise<Found[]> {
  if (!from.sharded) return [];
  const warnings = [found('SHARDED_SOURCE_EXPERIMENTAL'), ...(options.once ? [] : [found('SHARDED_BLOCK_WAITS')])];
  const resharded = await listReshardings(source);
  return [...resharded.map((namespace) => found('RESHARDING_UNDER_WAY', [namespace], namespace)), ...warnings];
}
