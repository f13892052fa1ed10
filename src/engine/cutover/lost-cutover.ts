import { systemClock } from '../../platform/index.ts';
import { type ClusterAddress, connectCluster } from '../mongodb/connect.ts';
import { type Claim, isToLift } from './block-history.ts';
import { type Lifted, liftBlock, readBlock } from './source-claim.ts';

/**
 * Returns the claim under which an engine of one of these migrations has blocked a source without having announced its
 * commit; undefined without one, or when the user may not read that.
 * @throws the error of a source that can't be read
 */
export async function uncommittedClaim(
  source: ClusterAddress,
  migrationIds: readonly string[],
): Promise<Claim | undefined> {
  const client = await connectCluster(source, 'source');
  try {
    const state = (await readBlock(client))?.state;
    const holder = state?.holder;
    if (!state?.block || !holder || holder.step === 'committing') return undefined;
    return migrationIds.includes(holder.migrationId) && isToLift(state, holder.migrationId) ? holder : undefined;
  } finally {
    await client.close();
  }
}

/**
 * Lifts the block of a claim unless its engine has announced the commit. Needs no answer of the destination: an engine
 * that still runs learns of it before it sends its commit (docs/adr/0019-block-owner.md).
 */
export async function openForLostEngine(source: ClusterAddress, claim: Claim): Promise<Lifted> {
  const client = await connectCluster(source, 'source');
  try {
    return await liftBlock(client, claim, { uncommitted: false, clock: systemClock });
  } finally {
    await client.close();
  }
}
