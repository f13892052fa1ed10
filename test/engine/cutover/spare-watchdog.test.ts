import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loggerTo, onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { childrenOf } from '../../support/process-status.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

const skip = needsSource('6.0', 'it has no write block');

for (const killed of [false, true]) {
  const title = killed ? 'a spare watchdog that was killed is replaced' : 'a spare watchdog takes over the cutover';
  test(`${title}; it ends with the migration`, { skip }, async () => {
    await using pair = await startPair();
    await pair.source.client.db('shop').collection('a').insertOne({});
    // The servers, and watchdogs of the tests before. The engine starts no other process.
    const before = childrenOf(process.pid);
    const watchdogs = () => childrenOf(process.pid).filter((pid) => !before.includes(pid));
    let underBlock: readonly number[] = [];
    using _ = onFailpoint('engine.cutover.source-blocked', async () => {
      underBlock = watchdogs();
    });
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    await eventually(() => watchdogs().length > 0, { what: 'a spare watchdog' });
    const spare = watchdogs();
    for (const pid of killed ? spare : []) process.kill(pid, 'SIGKILL');
    await eventually(() => watchdogs().length === (killed ? 0 : 1), { what: 'the spare watchdog to be as expected' });
    running.steering.cutOver();
    assert.equal(await running.outcome, 'COMMITTED');
    assert.equal(underBlock.length, 1);
    assert.equal(underBlock[0] === spare[0], !killed);
    await eventually(() => watchdogs().length === 0, { what: 'the watchdog to end' });
  });
}

test('a spare watchdog ends with a migration that is cancelled', { skip }, async () => {
  await using pair = await startPair();
  const before = childrenOf(process.pid);
  const watchdogs = () => childrenOf(process.pid).filter((pid) => !before.includes(pid));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await eventually(() => watchdogs().length === 1, { what: 'a spare watchdog' });
  running.steering.cancel(false);
  assert.equal(await running.outcome, 'CANCELLED');
  await eventually(() => watchdogs().length === 0, { what: 'the watchdog to end' });
});

test('a cutover waits for no watchdog that ends at its start', { skip }, async () => {
  await using pair = await startPair();
  const lines: { event: string; reason?: string }[] = [];
  await using running = RunningMigration.start(pair, { logger: loggerTo((line) => void lines.push(JSON.parse(line))) });
  await running.untilReady();
  process.env.NODE_OPTIONS = '--no-such-option';
  await running.commit().finally(() => delete process.env.NODE_OPTIONS);
  const warned = lines.filter(({ event }) => event === 'cutover.without_watchdog');
  assert.deepEqual(
    warned.map(({ reason }) => reason),
    ['its process ended at its start'],
  );
});
