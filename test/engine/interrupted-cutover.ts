import { stakeClaim } from '../../src/engine/cutover/source-claim.ts';
import type { ReplicaSetPair } from '../support/replica-set.ts';

/**
 * Leaves the source blocked, as an engine does that is lost in its cutover together with its watchdog. The claim on record
 * is `lost`.
 * @param holding  the claim that holds the block
 */
export async function interruptCutover(
  { source, destination }: ReplicaSetPair,
  migrationId: string,
  holding = 'lost',
): Promise<void> {
  const records = destination.client.db('linkspan_internal').collection<{ _id: string; term: number }>('migrations');
  const cutover = { requestedAtMs: 1, blocking: true, committed: false, claim: 'lost' };
  const left = await records.findOneAndUpdate({ _id: migrationId }, { $set: { cutover, state: 'COMMITTING' } });
  await stakeClaim(source.client, { id: holding, migrationId, term: left?.term ?? 0 });
  await source.client.db('admin').command({ setUserWriteBlockMode: 1, global: true });
}
