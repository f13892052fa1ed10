import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type LogEntry, Migration, type MigrationOptions, newMigrationId } from '../../src/library/index.ts';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

interface Clusters {
  readonly source: { readonly uri: string };
  readonly destination: { readonly uri: string };
}

function optionsFor({ source, destination }: Clusters): MigrationOptions {
  return { migrationId: newMigrationId(), source: { uri: source.uri }, destination: { uri: destination.uri } };
}

async function startShop({ auth }: { readonly auth: boolean } = { auth: false }): Promise<ReplicaSetPair> {
  const pair = await startPair({ source: { auth }, destination: { auth } });
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(300));
  return pair;
}

async function untilReady(migration: Migration): Promise<void> {
  await eventually(() => migration.progress().readyForCutover, { what: 'a migration that is ready' });
}

test('a program pauses, resumes, rehearses and cuts over a migration', { skip }, async () => {
  await using pair = await startShop();
  const entries: LogEntry[] = [];
  const migration = new Migration({ ...optionsFor(pair), log: (entry) => entries.push(entry) });
  await assert.rejects(migration.abortCutover(), { code: 'WRONG_STATE' });
  migration.setLoadLevel(1);
  migration.limitCopy(null);
  const run = migration.run();
  await assert.rejects(migration.run(), /run before/);
  await untilReady(migration);

  migration.pause();
  await eventually(() => migration.progress().state === 'paused', { what: 'a pause' });
  assert.throws(() => migration.cutOver(), { code: 'NOT_READY_FOR_CUTOVER' });
  migration.resume();
  await untilReady(migration);

  migration.rehearseCutover();
  const rehearsed = () => migration.progress().cutoverAttempts.at(-1)?.result === 'rehearsed';
  await eventually(rehearsed, { what: 'a rehearsal' });
  await untilReady(migration);
  migration.cutOver();
  assert.throws(() => migration.pause(), { code: 'WRONG_STATE' });
  assert.equal(await run, 'committed');

  const { canWrite, cutoverReport } = migration.progress();
  assert.deepEqual([canWrite, cutoverReport?.verification.result], [true, 'equal']);
  await expectIdentical(pair);
  await assert.rejects(migration.cancel(), { code: 'WRONG_STATE' });
  assert.ok(entries.length > 0);
  for (const { level, message } of entries)
    assert.ok(['info', 'warn', 'error'].includes(level) && message !== '', level);
});

test('a stopped migration is resumed by its id, and a cancelled one drops what it copied', { skip }, async () => {
  await using pair = await startShop();
  const options = optionsFor(pair);
  const stop = new AbortController();
  const first = new Migration(options);
  const stopped = first.run(stop.signal);
  await untilReady(first);
  stop.abort();
  assert.equal(await stopped, 'stopped');

  const second = new Migration(options);
  const cancelled = second.run();
  await untilReady(second);
  assert.equal(second.progress().copy.documentsCopied, 300);
  await second.cancel({ drop: true });
  assert.equal(await cancelled, 'cancelled');
  assert.equal(await pair.destination.client.db('shop').collection('orders').countDocuments(), 0);
});

test('a log function that throws makes warnings of the process, and the migration commits', { skip }, async () => {
  await using pair = await startShop();
  const warned = once(process, 'warning');
  const log = () => {
    throw new Error('the disk of the log is full');
  };
  const migration = new Migration({ ...optionsFor(pair), log });
  migration.cutOverOnceReady();
  assert.equal(await migration.run(), 'committed');
  assert.match(String(await warned), /the disk of the log is full/);
});

test('a program reverses a migration that has cut over, and closes the way back', { skip }, async () => {
  await using pair = await startShop({ auth: true });
  const migration = new Migration({ ...optionsFor(await reversibleUsers(pair)), reversible: true });
  migration.cutOverOnceReady();
  const run = migration.run();
  const wayBackFollows = () => migration.wayBackProgress()?.readyForCutover;
  await eventually(wayBackFollows, { what: 'the way back' });
  await pair.destination.client.db('shop').collection('orders').insertMany(numbered(20));

  await migration.reverse();
  assert.equal(migration.wayBackProgress(), undefined);
  await untilReady(migration);
  migration.cutOver();
  await eventually(wayBackFollows, { what: 'the way there' });
  await migration.finish();
  assert.equal(await run, 'committed');
  assert.equal(await pair.source.client.db('shop').collection('orders').countDocuments(), 320);
});
