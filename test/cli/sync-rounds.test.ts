import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningMigration } from '../engine/running-migration.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';

test('sync --once --drop-destination copies the current data each time', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  const clusters = ['--cluster0', pair.source.uri, '--cluster1', pair.destination.uri];
  for (let round = 1; round <= 4; round += 1) {
    await items.insertOne({ round });
    await using sync = runLinkspan(['sync', '--once', '--no-verify', '--drop-destination', ...clusters]);
    assert.equal((await sync.exit).code, 0, `round ${round}: ${sync.stderr}`);
    await expectIdentical(pair);
  }
});

test('a finished copy that another migration has retired is no obstacle to the next one', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertOne({ round: 1 });
  const once = async () => {
    const uris = ['--cluster0', pair.source.uri, '--cluster1', pair.destination.uri];
    await using sync = runLinkspan(['sync', '--once', '--no-verify', '--drop-destination', ...uris]);
    return { code: (await sync.exit).code, stderr: sync.stderr };
  };
  assert.equal((await once()).code, 0);
  await using other = RunningMigration.start(pair, { dropDestination: true });
  await other.untilReady();
  await other.steering.cancel(true);
  await pair.source.client.db('shop').collection('items').insertOne({ round: 2 });
  const again = await once();
  assert.equal(again.code, 0, again.stderr);
  await expectIdentical(pair);
});
