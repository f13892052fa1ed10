import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ReversibleMigration } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RoundTrips } from '../../support/round-trips.ts';
import { needsSource } from '../../support/source-version.ts';

checkForLeaks();

/** Measured: 56, and 45 to 48. On a busy machine, what looks regularly adds rounds. */
const MOST_IN_SEQUENCE = { destination: 66, source: 60 };
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
  const rounds = { destination: toDestination.rounds, source: toSource.rounds };
  for (const [side, sent] of Object.entries(rounds)) {
    const trace = sent.map((names, at) => `${at + 1} ${names}`).join('\n');
    if (folder !== undefined) writeFileSync(join(folder, `${side}.txt`), `${trace}\n`);
    assert.ok(
      sent.length <= MOST_IN_SEQUENCE[side as keyof typeof rounds],
      `to the ${side}, one after the other:\n${trace}`,
    );
  }
});
