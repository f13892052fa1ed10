import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectToDestination } from '../../src/destination/index.ts';
import { guardDialling } from '../../src/platform/index.ts';
import { freePort } from '../support/mongod-process.ts';
import { startReplicaSet, startStandalone } from '../support/replica-set.ts';

const refusal = (why: RegExp) => (error: Error) => {
  assert.match(error.message, why);
  assert.ok(!error.message.includes('canary'), error.message);
  return true;
};

test('a destination is taken only if it is a replica set that is there and lets its user in', async () => {
  await using set = await startReplicaSet({ auth: true });
  await using standalone = await startStandalone();
  await set.createUser('mover', 'canary', []);
  await connectToDestination(set.uriFor('mover', 'canary'));
  await assert.rejects(connectToDestination(set.uriFor('mover', 'canary-wrong')), refusal(/Authentication failed/));
  const anonymous = set.uri.replace(/\/\/[^@]*@/, '//');
  await assert.rejects(connectToDestination(anonymous), refusal(/it needs a user and a password/));
  await assert.rejects(connectToDestination(standalone.uri), refusal(/it is a stand-alone server/));
  const odd = `${anonymous}${anonymous.includes('?') ? '&' : '?'}compressors=canary`;
  await assert.rejects(connectToDestination(odd), refusal(/does not understand it/));
});

test('a destination where this process may not connect to is said to be so', async () => {
  await using set = await startReplicaSet();
  using _guard = guardDialling({ allowedDestinations: ['d.example'] }, () => undefined);
  await assert.rejects(
    connectToDestination(set.uri, 500),
    refusal(/as a destination: refused to connect to 127\.0\.0\.1/),
  );
});

test('a destination that is not there is said to be so, and why', async () => {
  const nobody = `mongodb://mover:canary@127.0.0.1:${await freePort()}/?replicaSet=rs`;
  await assert.rejects(connectToDestination(nobody, 500), refusal(/cannot be used as a destination: .*ECONNREFUSED/));
});
