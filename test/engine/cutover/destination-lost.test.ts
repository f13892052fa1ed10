import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAbandonedSource } from '../../../src/engine/cutover/open-abandoned-source.ts';
import { stakeClaim } from '../../../src/engine/cutover/source-claim.ts';
import { MOST_BLOCK_LIMIT_MS, tryToBlockWrites } from '../../../src/engine/mongodb/write-block.ts';
import { newId, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';
import { soonGone } from '../silent-server.ts';
import { SideWriter } from './side-writer.ts';
import { sourceUser } from './source-user.ts';

const skip = needsSource('6.0', 'it has no write block');
const UNTIL_BACK = { what: 'the source to take writes' };
const LONGEST_PAUSE_MS = 60_000;

/** A pause ends after a second in place of a minute. */
const clock = {
  ...systemClock,
  timeout: (ms: number) => systemClock.timeout(ms === LONGEST_PAUSE_MS ? 1_000 : ms),
};

async function startLost(pair: ReplicaSetPair, options: { readonly readsOplog: boolean }): Promise<RunningMigration> {
  const source = await sourceUser(pair.source, options);
  const running = RunningMigration.start({ source, destination: soonGone(pair.destination) }, { clock });
  await running.untilReady();
  return running;
}

/** Kills the destination the first time that the named point is reached. */
function killAt(point: string, { destination }: ReplicaSetPair) {
  const killed = Promise.withResolvers<void>();
  let times = 0;
  const hook = onFailpoint(point, async () => {
    times += 1;
    if (times > 1) return;
    await destination.members[0]?.kill();
    killed.resolve();
  });
  return { killed: killed.promise, [Symbol.dispose]: () => hook[Symbol.dispose]() };
}

async function assertCommitted(running: RunningMigration, pair: ReplicaSetPair, app: SideWriter): Promise<void> {
  assert.equal(await running.outcome, 'COMMITTED');
  assert.equal(await app.canWrite(), false);
  await expectIdentical(pair);
}

// id: destination-lost-in-pause
test('a destination that is lost in the write pause', { skip }, async (t) => {
  await t.test('does not keep the source blocked, and the migration cuts over once it is back', async () => {
    await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    await using app = await SideWriter.start(pair.source, 'source');
    await using running = await startLost(pair, { readsOplog: true });
    using destination = killAt('engine.cutover.source-blocked', pair);
    running.steering.cutOver();
    await destination.killed;
    const before = app.acknowledged;
    await eventually(() => app.acknowledged > before + 10, UNTIL_BACK);
    assert.equal(pair.destination.members[0]?.running, false);
    assert.equal(running.progress.cutover?.blocking, false);
    await pair.destination.members[0]?.restart();
    await assertCommitted(running, pair, app);
    const [first] = running.progress.cutoverAttempts;
    assert.match(first?.reason ?? '', /^the end of the step ".+" was not reached in time$/);
  });

  await t.test("has to answer first where the source's oplog may not be read, and the run reports it", async () => {
    await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    await using app = await SideWriter.start(pair.source, 'source');
    await using running = await startLost(pair, { readsOplog: false });
    assert.match(running.progress.warnings.join(), /may not read its oplog/);
    using destination = killAt('engine.cutover.source-blocked', pair);
    running.steering.cutOver();
    await destination.killed;
    await running.until('the wait to be told', ({ waiting }) =>
      waiting.some(
        (wait) => /to end its write block/.test(wait.for) && /may not be read.*setUserWriteBlock/.test(wait.reason),
      ),
    );
    const before = app.acknowledged;
    assert.equal(await app.canWrite(), false);
    await pair.destination.members[0]?.restart();
    await assertCommitted(running, pair, app);
    assert.ok(app.acknowledged > before, 'the source was not opened in between');
  });

  await t.test('and may have the commit keeps the source blocked, and the run reports it', async () => {
    await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    await using app = await SideWriter.start(pair.source, 'source');
    await using running = await startLost(pair, { readsOplog: true });
    using destination = killAt('engine.cutover.announced', pair);
    running.steering.cutOver();
    await destination.killed;
    await running.until('the warning', ({ warnings }) =>
      warnings.some((one) => /commit of the cutover was sent/.test(one)),
    );
    assert.equal(running.progress.cutover?.commitSent, true);
    assert.equal(await app.canWrite(), false);
    await pair.destination.members[0]?.restart();
    await assertCommitted(running, pair, app);
  });
});

/** Blocks the source for a cutover whose engine is gone; its user may not read the oplog of the source. */
async function abandonBlock(pair: ReplicaSetPair) {
  const source = await sourceUser(pair.source, { readsOplog: false });
  const claim = { id: newId(), migrationId: newId(), term: 1 };
  const { _id, ...record } = {
    _id: claim.migrationId,
    term: 1,
    cutover: { blocking: true, committed: false, claim: claim.id },
  };
  const records = pair.destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
  await records.updateOne({ _id }, { $set: record }, { upsert: true });
  await stakeClaim(pair.source.client, claim);
  assert.ok(await tryToBlockWrites(pair.source.client, MOST_BLOCK_LIMIT_MS));
  return { abandoned: { claim, source, destination: { uri: pair.destination.uri } }, records };
}

// id: watchdog-without-oplog
test('a watchdog that may not read the oplog of the source opens it only when the destination answers', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true } });
  await using app = await SideWriter.start(pair.source, 'source');
  const { abandoned } = await abandonBlock(pair);
  await using proxy = await startFaultProxy((await pair.destination.primary()).port);
  proxy.cut();
  const uri = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true&serverSelectionTimeoutMS=500`;
  const opened = openAbandonedSource({ ...abandoned, destination: { uri } }, new AbortController().signal);
  const asked = { op: 'n', 'o.linkspan.block': 'opening' };
  const oplog = pair.source.client.db('local').collection('oplog.rs');
  await eventually(async () => (await oplog.countDocuments(asked)) >= 2, {
    what: 'the watchdog to look twice',
  });
  assert.equal(await app.canWrite(), false);
  proxy.restore();
  assert.equal(await opened, true);
  assert.equal(await app.canWrite(), true);
});

test('a watchdog that may not read the oplog leaves the source of an engine that took the migration while it acted', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true } });
  await using app = await SideWriter.start(pair.source, 'source');
  const { abandoned, records } = await abandonBlock(pair);
  await using proxy = await startFaultProxy((await pair.source.primary()).port);
  proxy.set({ blackHole: true });
  const uri = `mongodb://blind:secret@127.0.0.1:${proxy.port}/?directConnection=true`;
  const opened = openAbandonedSource({ ...abandoned, source: { uri } }, new AbortController().signal);
  const { migrationId: _id, term } = abandoned.claim;
  const take = () => records.findOneAndUpdate({ _id, term: term + 1 } as object, { $inc: { term: 1 } });
  // The watchdog has the migration, and waits for the source.
  await eventually(async () => (await take()) !== null, { what: 'the watchdog to take the migration' });
  proxy.set({});
  assert.equal(await opened, false);
  assert.equal(await app.canWrite(), false);
});
