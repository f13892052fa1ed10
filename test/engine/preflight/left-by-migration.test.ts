import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cleanUp, preflight } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

describe('a destination with data of another migration', () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
    await pair.source.client.db('shop').collection('orders').insertOne({});
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });

  const errors = async () => {
    const { source, destination } = pair;
    const uris = { source: { uri: source.uri }, destination: { uri: destination.uri } };
    const options = { ...uris, migrationId: newId(), dropDestination: false, logger: silentLogger };
    return (await preflight(options)).filter(({ severity }) => severity === 'ERROR');
  };

  test('names the migration that runs, and the one whose data is left once it was cancelled', async () => {
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    const { migrationId } = running.progress;
    const [inUse, ...others] = await errors();
    assert.deepEqual([inUse?.code, others], ['DESTINATION_IN_USE', []]);
    assert.match(inUse?.message ?? '', new RegExp(`^Migration ${migrationId} `));

    await running.steering.cancel(false);
    assert.equal(await running.outcome, 'CANCELLED');
    const [left] = await errors();
    assert.equal(left?.code, 'DESTINATION_NOT_EMPTY');
    assert.ok(
      left.message.includes(`migration ${migrationId} (cancelled) left 1 collection`) &&
        left.message.includes(`linkspan cleanup --migration ${migrationId} --drop`),
      left.message,
    );

    await pair.destination.client.db('theirs').collection('own').insertOne({});
    await cleanUp(pair.destination, migrationId, { drop: true });
    const [theirs] = await errors();
    assert.equal(theirs?.message, 'The destination is not empty: it has the database theirs.');
    for (const way of ['--drop-destination cluster1', 'migration create --drop', 'dropDestinationData: true'])
      assert.ok(theirs.remedy.includes(way), way);
    await pair.destination.client.db('theirs').dropDatabase();
  });
});
