import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectCluster } from '../../../src/engine/mongodb/connect.ts';
import { Retrier } from '../../../src/engine/mongodb/retry.ts';
import { onFailpoint, silentLogger, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type LaggingMember, lagBehind } from '../../support/lagging-member.ts';
import { startPair, startReplicaSet } from '../../support/replica-set.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';
import { takeMigration } from '../taken-migration.ts';

const MAJORITY = { writeConcern: { w: 'majority' } } as const;

interface Counted {
  readonly _id: string;
  readonly v: number;
}

// id: lagging-member-elected
test('changes during the copy are migrated, even if the destination elects a lagging member before it reads them', async () => {
  await using pair = await startPair({ destination: { members: 3 } });
  const source = pair.source.client.db('shop').collection<Counted>('c');
  await source.insertMany(
    Array.from({ length: 100 }, (_, n) => ({ _id: `k${n}`, v: 0 })),
    MAJORITY,
  );
  const spool = pair.destination.client.db('linkspan_internal').collection('spool');
  const untilSpooled = (count: number) =>
    eventually(async () => (await spool.countDocuments()) >= count, { what: `${count} spooled keys` });
  using changed = onceAt('engine.copy.batch-acknowledged', async () => {
    await source.updateOne({ _id: 'k99' }, { $set: { v: 1 } }, MAJORITY);
    await untilSpooled(1);
    const lagging = await lagBehind(pair.destination, async (count) => (await count('linkspan_internal', 'spool')) > 0);
    await source.updateMany({}, { $set: { v: 1 } }, MAJORITY);
    await untilSpooled(100);
    return lagging;
  });
  using elected = onceAt('engine.copy.indexed', async () => (await changed.result)?.elect());
  let drained = false;
  using ___ = onFailpoint('engine.copy.drained', () => {
    drained = true;
  });
  await using running = RunningMigration.start(pair);
  await eventually(() => elected.result !== undefined, { what: 'the end of the copy' });
  await using lagging = (await changed.result) as LaggingMember;
  await elected.result;
  // While no write is acknowledged, lanes with keys of an old state would not drain.
  await eventually(async () => drained || running.progress.changes.queued > 0 || (await lagging.isAskedFor('spool')), {
    what: 'the drain to begin',
  });
  await lagging.catchUp();
  await running.commit();
  await expectIdentical(pair);
});

test('an engine learns that it was taken over from a destination that has elected a lagging member', async () => {
  await using set = await startReplicaSet({ members: 3 });
  const connect = async () => {
    const client = await connectCluster({ uri: set.uri }, 'destination');
    return { client, [Symbol.asyncDispose]: () => client.close() };
  };
  await using former = await connect();
  const { fence } = await takeMigration(former.client, 'm');
  await fence.confirm();
  await using lagging = await lagBehind(set, async (count) => (await count('linkspan_internal', 'migrations')) === 1);
  await using successor = await connect();
  await takeMigration(successor.client, 'm');
  await lagging.elect();
  let settled = false;
  const confirmed = new Retrier(systemClock, silentLogger, new AbortController().signal)
    .run('the destination', () => fence.confirm())
    .finally(() => {
      settled = true;
    });
  confirmed.catch(() => undefined); // The test awaits it below.
  await eventually(async () => settled || (await lagging.isAskedFor('migrations')), {
    what: 'the question',
  });
  await lagging.catchUp();
  await assert.rejects(confirmed, { code: 'TAKEN_OVER' });
});
