import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ReversibleMigration } from '../../../src/engine/index.ts';
import { newId, onFailpoint, silentLogger } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RoundTrips } from '../../support/round-trips.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

/** Measured: 56, and 45 to 48. On a busy machine, what looks regularly adds rounds. */
const MOST_IN_SEQUENCE = { destination: 66, source: 60 };
/** Measured: 9, and 10 or 11. */
const MOST_IN_PAUSE = { destination: 14, source: 16 };
/** A folder for the commands of each round, one file a side. */
const folder = process.env.LINKSPAN_TEST_TRACE;

test('the fixed part of a migration has a bounded number of round trips to each side', {
  skip: needsSource('6.0', 'the bound is that of newer sources'),
}, async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  for (const name of ['orders', 'items'])
    await shop.collection(name).insertMany(Array.from({ length: 100 }, (_, n) => ({ n })));
  await shop.collection('orders').createIndex({ n: 1 });
  const roundTrips = new RoundTrips();
  await using toSource = await roundTrips.inFrontOf((await pair.source.primary()).port);
  await using toDestination = await roundTrips.inFrontOf((await pair.destination.primary()).port);
  const migration = new ReversibleMigration({
    migrationId: newId(),
    source: { uri: `mongodb://127.0.0.1:${toSource.port}/?directConnection=true` },
    destination: { uri: `mongodb://127.0.0.1:${toDestination.port}/?directConnection=true` },
    dropDestination: false,
    once: true,
    logger: silentLogger,
  });
  const outcome = await migration.run(new AbortController().signal);
  roundTrips.stop();
  assert.equal(outcome, 'COMMITTED');
  assertBounded('', { destination: toDestination.rounds, source: toSource.rounds }, MOST_IN_SEQUENCE);
});

test('the write pause has a bounded number of round trips to each side', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertOne({ n: 1 });
  const roundTrips = new RoundTrips();
  await using toSource = await roundTrips.inFrontOf((await pair.source.primary()).port);
  await using toDestination = await roundTrips.inFrontOf((await pair.destination.primary()).port);
  const counts = () => [toDestination.rounds.length, toSource.rounds.length] as const;
  let [blocked, open] = [counts(), counts()];
  using _blocked = onFailpoint('engine.cutover.source-blocked', () => {
    blocked = counts();
  });
  using _open = onFailpoint('engine.cutover.destination-open', () => {
    open = counts();
  });
  await using running = RunningMigration.start(pair, {
    source: { uri: `mongodb://127.0.0.1:${toSource.port}/?directConnection=true` },
    destination: { uri: `mongodb://127.0.0.1:${toDestination.port}/?directConnection=true` },
  });
  await running.commit();
  roundTrips.stop();
  const during = (rounds: readonly string[], side: 0 | 1) => rounds.slice(blocked[side], open[side]);
  const rounds = { destination: during(toDestination.rounds, 0), source: during(toSource.rounds, 1) };
  assert.ok(rounds.destination.length > 0 && rounds.source.length > 0);
  assertBounded('pause-', rounds, MOST_IN_PAUSE);
});

type Sides<T> = Readonly<Record<'destination' | 'source', T>>;

/** @param name  the beginning of the name of the trace's files */
function assertBounded(name: string, rounds: Sides<readonly string[]>, most: Sides<number>): void {
  for (const side of ['destination', 'source'] as const) {
    const trace = rounds[side].map((names, at) => `${at + 1} ${names}`).join('\n');
    if (folder !== undefined) writeFileSync(join(folder, `${name}${side}.txt`), `${trace}\n`);
    assert.ok(rounds[side].length <= most[side], `to the ${side}, one after the other:\n${trace}`);
  }
}
