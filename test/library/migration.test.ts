import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  type LogEntry,
  Migration,
  type MigrationOptions,
  newMigrationId,
  type Outcome,
  type SourceWatch,
} from '../../src/library/index.ts';
import { LOG_EVENTS } from '../../src/platform/log-events/index.ts';
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

/** Runs a migration. Disposing stops it, also when the test fails. */
function running(migration: Migration): { readonly outcome: Promise<Outcome>; stop(): void } & AsyncDisposable {
  const stop = new AbortController();
  const outcome = migration.run(stop.signal);
  const ended = outcome.catch(() => undefined); // The test still sees the failure.
  return {
    outcome,
    stop: () => stop.abort(),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}

/** Watches the source after the commit. Disposing ends the watch, also when the test fails. */
function watchingSource(migration: Migration): { stop(): Promise<SourceWatch | undefined> } & AsyncDisposable {
  const end = new AbortController();
  const watched = migration.watchSource({ signal: end.signal });
  const stop = async () => {
    end.abort();
    return await watched;
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

async function untilReady(migration: Migration): Promise<void> {
  await eventually(() => migration.progress().readyForCutover, { what: 'a migration that is ready' });
}

test('a program pauses, resumes, rehearses and cuts over a migration', { skip }, async () => {
  await using pair = await startShop();
  const entries: LogEntry[] = [];
  const options = optionsFor(pair);
  const migration = new Migration({ ...options, log: (entry) => entries.push(entry) });
  await assert.rejects(migration.abortCutover(), { code: 'WRONG_STATE' });
  migration.setLoadLevel(1);
  migration.limitCopy(null);
  assert.equal(migration.collections(), undefined);
  await using run = running(migration);
  await assert.rejects(migration.run(), /run before/);
  await untilReady(migration);
  const [orders, ...others] = migration.collections() ?? [];
  assert.deepEqual(
    [orders?.namespace, orders?.state, orders?.documentsCopied, others],
    ['shop.orders', 'DONE', 300, []],
  );
  const shares = await eventually(() => migration.progress().timeShares, { what: 'time shares' });
  const { seconds: _, ...uses } = shares;
  const sum = Object.values(uses).reduce((total, share) => total + share, 0);
  assert.ok(Math.abs(sum - 1) < 1e-9, JSON.stringify(shares));

  migration.pause();
  await eventually(() => migration.progress().state === 'PAUSED', { what: 'a pause' });
  assert.throws(() => migration.cutOver(), { code: 'NOT_READY_FOR_CUTOVER' });
  migration.resume();
  await untilReady(migration);

  migration.rehearseCutover();
  const result = await eventually(() => migration.progress().cutoverAttempts.at(-1)?.result, { what: 'a rehearsal' });
  // On a busy machine the drain takes longer than a rehearsal may block the source.
  assert.match(result, /^(NOT_)?REHEARSED$/);
  assert.equal(migration.progress().canWrite, false);
  await untilReady(migration);
  await assert.rejects(migration.watchSource(), { code: 'WRONG_STATE' });
  migration.cutOver();
  assert.throws(() => migration.pause(), { code: 'WRONG_STATE' });
  assert.equal(await run.outcome, 'COMMITTED');

  const { canWrite, cutoverReport } = migration.progress();
  assert.deepEqual([canWrite, cutoverReport?.verification.result], [true, 'EQUAL']);
  await expectIdentical(pair);
  await assert.rejects(migration.cancel(), { code: 'WRONG_STATE' });
  assert.ok(entries.length > 0);
  const known = new Set(Object.values(LOG_EVENTS).flatMap((events) => Object.keys(events)));
  for (const { event, details, message } of entries) {
    assert.ok(known.has(event), message);
    assert.deepEqual(
      [details.migrationId, typeof details.state, 'event' in details],
      [options.migrationId, 'string', false],
    );
  }
  for (const { level, message } of entries)
    assert.ok(['info', 'warn', 'error'].includes(level) && message !== '', level);
});

test('a stopped migration is resumed by its id, and a cancelled one drops what it copied', { skip }, async () => {
  await using pair = await startShop();
  const options = optionsFor(pair);
  const first = new Migration(options);
  await using stopped = running(first);
  await untilReady(first);
  stopped.stop();
  assert.equal(await stopped.outcome, 'STOPPED');

  const second = new Migration(options);
  await using cancelled = running(second);
  await untilReady(second);
  assert.equal(second.progress().copy.documentsCopied, 300);
  await second.cancel({ drop: true });
  assert.equal(await cancelled.outcome, 'CANCELLED');
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
  assert.equal(await migration.run(), 'COMMITTED');
  assert.match(String(await warned), /the disk of the log is full/);
});

test('a program reverses a migration that has cut over, and closes the failback', { skip }, async () => {
  await using pair = await startShop({ auth: true });
  const migration = new Migration({ ...optionsFor(await reversibleUsers(pair)), reversible: true });
  migration.cutOverOnceReady();
  await using run = running(migration);
  const failbackFollows = () => migration.failbackProgress()?.readyForCutover;
  await eventually(failbackFollows, { what: 'the failback' });
  await pair.destination.client.db('shop').collection('orders').insertMany(numbered(20));

  await migration.reverse();
  assert.equal(migration.failbackProgress(), undefined);
  await untilReady(migration);
  migration.cutOver();
  await eventually(failbackFollows, { what: 'the way there' });
  await migration.finish();
  assert.equal(await run.outcome, 'COMMITTED');
  assert.equal(await pair.source.client.db('shop').collection('orders').countDocuments(), 320);
});

test('a program watches the source after the commit, and learns of writes under its block', { skip }, async () => {
  await using pair = await startShop({ auth: true });
  const entries: LogEntry[] = [];
  const migration = new Migration({ ...optionsFor(pair), log: (entry) => entries.push(entry) });
  migration.cutOverOnceReady();
  await using run = running(migration);
  assert.equal(await run.outcome, 'COMMITTED');
  await using watching = watchingSource(migration);
  // This user bypasses the block.
  await pair.source.client.db('shop').collection('orders').insertOne({ late: true });
  const told = () => entries.find(({ event }) => event === 'source_watch.writes_found');
  assert.equal((await eventually(told, { what: 'the late write' })).level, 'error');
  const { changes, namespaces, ended } = (await watching.stop()) ?? {};
  assert.deepEqual([changes, namespaces, ended], [1, ['shop.orders'], undefined]);
});
