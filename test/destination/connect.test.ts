import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
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

test('a destination is accepted only if it is a reachable replica set that authenticates the user', async () => {
  await using set = await startReplicaSet({ auth: true });
  await using standalone = await startStandalone();
  await set.createUser('mover', 'canary', []);
  await connectToDestination(set.uriFor('mover', 'canary'));
  await assert.rejects(connectToDestination(set.uriFor('mover', 'canary-wrong')), refusal(/Authentication failed/));
  const anonymous = set.uri.replace(/\/\/[^@]*@/, '//');
  await assert.rejects(connectToDestination(anonymous), refusal(/it needs a user and a password/));
  await assert.rejects(connectToDestination(standalone.uri), refusal(/it is a standalone server/));
  const odd = `${anonymous}${anonymous.includes('?') ? '&' : '?'}compressors=canary`;
  await assert.rejects(connectToDestination(odd), { code: 'INVALID_DESTINATION_CONNECTION_STRING' });
});

test('a destination to which this process may not connect is reported as such', async () => {
  // With a name it is a new one: this process may have connected to a used one by its operator's wish.
  await using set = await startReplicaSet({ name: 'guarded' });
  using _guard = guardDialling({ allowedDestinations: ['d.example'] }, () => undefined);
  await assert.rejects(
    connectToDestination(set.uri, 500),
    refusal(/as a destination: refused to connect to 127\.0\.0\.1/),
  );
});

test('registration reveals nothing about servers other than MongoDB, so it cannot find open ports and names', async () => {
  await using server = createServer((socket) => socket.resume().end('SSH-2.0-OpenSSH_9.6\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const answers = new Set<string>();
  for (const place of [`127.0.0.1:${await freePort()}`, `127.0.0.1:${port}`, 'nobody.invalid:27017']) {
    const refused = connectToDestination(`mongodb://mover:canary@${place}/?replicaSet=rs`, 500);
    await assert.rejects(refused, refusal(/no primary of a MongoDB replica set answered in time/));
    answers.add(String(await refused.catch((error: Error) => error.message)));
  }
  assert.equal(answers.size, 1);
});
