import { startReplicaSet } from '../../test/support/replica-set.ts';
import { measure, report, timed } from '../rounds.ts';
import { startServers } from '../servers.ts';
import { change, fill } from './change.ts';
import { ask, startLinkspan } from './linkspan-client.ts';
import { type Style, Workload, WRITERS } from './workload.ts';

export type { Style } from './workload.ts';

const FOLLOWED = 'followed';

/** Compares how long Linkspan needs for changes that wait in the oplog with how long their final states take from memory. */
export async function compareWaitingChanges(
  style: Style,
  count: number,
  { rounds, verification }: { readonly rounds: number; readonly verification: string },
): Promise<void> {
  await using pair = await startServers();
  // A server of its own: Linkspan looks at everything that others write on its destination.
  await using bound = await startReplicaSet({ cacheGigabytes: 1, oplogSizeMegabytes: 2_048 });
  const [source, destination] = [pair.source.client, pair.destination.client];
  const workload = new Workload(count);
  const documents = workload.documents();
  await fill(source, FOLLOWED, documents);
  const linkspan = await startLinkspan(pair.source.uri, pair.destination.uri, verification);
  await fill(bound.client, FOLLOWED, documents);
  let round = workload.nextRound(count);
  const measurements = await measure(
    [
      {
        name: 'Linkspan',
        run: async () => {
          await ask(linkspan, { kind: 'pause' });
          await change(source, FOLLOWED, round, style);
          await destination.db('admin').command({ fsync: 1 });
          return await ask(linkspan, { kind: 'apply', changes: count });
        },
      },
      {
        name: `commands from memory, ${WRITERS} at a time`,
        run: async () => {
          await bound.client.db('admin').command({ fsync: 1 });
          return await timed(() => change(bound.client, FOLLOWED, round, 'replaces'));
        },
      },
    ],
    rounds,
    () => {
      round = workload.nextRound(count);
    },
  );
  report(`apply: ${count} changes (${style}), 2 secondary indexes`, count, 'changes', measurements);
  linkspan.kill();
}
