import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preflight } from '../../../src/engine/index.ts';
import { silentLogger } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

interface EngineOnRecord {
  readonly _id: string;
  readonly engine?: { readonly host: string; readonly pid: number; readonly place: string };
  readonly savedAt: Date;
  readonly cutOff?: boolean;
  readonly cutOffTakenAt?: Date;
}

const recordOf = ({ destination }: ReplicaSetPair) =>
  destination.client.db('linkspan_internal').collection<EngineOnRecord>('migrations');

/** Starts the migration again. Returns its outcome. */
async function again(pair: ReplicaSetPair, migrationId: string, takeOver?: boolean): Promise<string> {
  await using running = RunningMigration.start(pair, { migrationId, takeOver });
  const refused = running.outcome.then(
    () => 'ended',
    (error) => `${error.code}: ${error.message}`,
  );
  const ready = running.untilReady().then(() => 'runs');
  return await Promise.race([refused, ready.catch(() => refused)]);
}

test('a migration that an engine elsewhere wrote to within 20 s is refused with its place, unless it is taken over', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertOne({});
  await using first = RunningMigration.start(pair);
  await first.untilReady();
  const { migrationId } = first.progress;
  const own = (await recordOf(pair).findOne({ _id: migrationId }))?.engine;
  assert.equal(own?.pid, process.pid);
  await first.stop();
  const stopped = await recordOf(pair).findOne({ _id: migrationId });
  assert.equal(stopped?.engine, undefined, 'an engine that has ended its run is not on record');

  const write = (engine: object, secondsAgo: number) =>
    recordOf(pair).updateOne({ _id: migrationId }, [
      { $set: { engine, savedAt: { $subtract: ['$$NOW', secondsAgo * 1000] } } },
    ]);
  const elsewhere = { host: 'mover-2', pid: 77, place: 'another boot', startedAtMs: 0 };
  await write(elsewhere, 12);
  assert.match(
    await again(pair, migrationId),
    /^ENGINE_RUNNING: Another engine runs migration .*: process 77 on host mover-2, since 1970-01-01T00:00:00\.000Z\. It last wrote to its record 1\d s ago\.$/,
  );
  const looked = {
    migrationId,
    source: { uri: pair.source.uri },
    destination: { uri: pair.destination.uri },
    dropDestination: false,
    logger: silentLogger,
  };
  const codes = async (takeOver: boolean) => (await preflight({ ...looked, takeOver })).map(({ code }) => code);
  assert.ok((await codes(false)).includes('ENGINE_RUNNING'));
  assert.ok(!(await codes(true)).includes('ENGINE_RUNNING'));
  assert.equal(await again(pair, migrationId, true), 'runs');
  await write(elsewhere, 21);
  assert.equal(await again(pair, migrationId), 'runs', 'an engine that is silent for 20 s has no claim');
  await write({ ...elsewhere, place: own?.place, pid: 2 ** 22 + 1 }, 1);
  assert.equal(await again(pair, migrationId), 'runs', 'an engine of this host whose process has ended has no claim');
  await write({ ...elsewhere, place: own?.place, pid: process.ppid }, 1);
  assert.match(await again(pair, migrationId), /^ENGINE_RUNNING/);
});

test('an engine keeps writing its record while it is paused, so that other engines know that it runs', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertOne({});
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  running.steering.pause();
  await running.until('the pause', ({ state }) => state === 'PAUSED');
  const before = await recordOf(pair).findOne({});
  assert.ok(before?.engine);
  const savedAfter = recordOf(pair).watch([
    { $match: { 'updateDescription.updatedFields.savedAt': { $exists: true } } },
  ]);
  assert.ok(await savedAfter.next());
  await savedAfter.close();
});

test('an engine elsewhere that cannot reach the source gives way to another one, once in ten minutes', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertOne({});
  await using first = RunningMigration.start(pair);
  await first.untilReady();
  const { migrationId } = first.progress;
  await first.stop();
  const engine = { host: 'mover-2', pid: 77, place: 'another boot', startedAtMs: 0 };
  const cutOff = (fields: object) =>
    recordOf(pair).updateOne({ _id: migrationId }, [{ $set: { engine, savedAt: '$$NOW', cutOff: true, ...fields } }]);
  await cutOff({});
  assert.equal(await again(pair, migrationId), 'runs');
  const taken = await recordOf(pair).findOne({ _id: migrationId });
  assert.ok(taken?.cutOffTakenAt instanceof Date);
  await cutOff({});
  assert.match(await again(pair, migrationId), /^ENGINE_RUNNING/);
  await cutOff({ cutOffTakenAt: { $subtract: ['$$NOW', 600_000] } });
  assert.equal(await again(pair, migrationId), 'runs');
});
