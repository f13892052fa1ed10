import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient, MongoServerSelectionError, MongoStalePrimaryError } from 'mongodb';
import { acceptRestoredSet } from '../../../src/engine/mongodb/restored-set.ts';
import { FakeClock } from '../../atlas-api/fake-clock.ts';
import { backUp } from '../../support/back-up.ts';
import { eventually } from '../../support/eventually.ts';
import { startReplicaSet } from '../../support/replica-set.ts';

test('a set that was restored with fewer elections than were seen is used after 30 s, in which a former primary would have stepped down', async () => {
  await using set = await startReplicaSet();
  const [member] = set.members;
  using before = await backUp(set);
  await member?.kill('SIGTERM');
  await member?.restart(); // The only member elects itself at each start.
  await using client = new MongoClient(set.uri, { heartbeatFrequencyMS: 500, serverSelectionTimeoutMS: 2_000 });
  const clock = new FakeClock();
  acceptRestoredSet(client, clock);
  let refusals = 0;
  client.on('topologyDescriptionChanged', ({ newDescription }) => {
    const errors = [...newDescription.servers.values()].map(({ error }) => error);
    if (errors.some((error) => error instanceof MongoStalePrimaryError)) refusals += 1;
  });
  const ping = () => client.db('admin').command({ ping: 1 });
  await ping();

  await before.restore();
  await eventually(() => refusals > 0, { what: 'the driver to refuse the primary' });
  clock.nowMs += 29_999;
  const refusedBefore = refusals;
  await eventually(() => refusals > refusedBefore, { what: 'the driver to refuse the primary again' });
  await assert.rejects(ping(), MongoServerSelectionError);
  clock.nowMs += 1;
  await eventually(ping, { what: 'the restored set to be used' });
});
