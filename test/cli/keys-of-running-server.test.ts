import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { followMasterKey } from '../../src/cli/run/serve-master-key.ts';
import {
  assertMasterKey,
  keepDestinationUsers,
  loadMasterKeys,
  replaceMasterKeys,
  Sealer,
} from '../../src/control/index.ts';
import { createDialler } from '../../src/destination/index.ts';
import { wantedState } from '../../src/link/index.ts';
import { type Logger, onFailpoint, silentLogger } from '../../src/platform/index.ts';
import { type ControlPlane, startControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, prepare } from '../atlas-api/migration-world.ts';
import { eventually } from '../support/eventually.ts';
import { expectHookReached, type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { startReplicaSet } from '../support/replica-set.ts';

/** Writes the key of a control plane to a file in its data directory, and follows that file. */
function follow({ control, directory, masterKey }: ControlPlane, logger: Logger = silentLogger) {
  const file = join(directory, 'master.key');
  replaceMasterKeys(file, [masterKey]);
  const following = followMasterKey(control, file, logger);
  return { file, [Symbol.dispose]: () => following[Symbol.dispose]() };
}

function rotate({ directory }: ControlPlane, hook?: string): LinkspanProcess {
  return runLinkspan(['keys', 'rotate', '--data-dir', directory], { env: { LINKSPAN_LOG_LEVEL: 'warn' }, hook });
}

/** Fails unless the only key of the file opens everything, as the next start of the server requires. */
async function expectOneKeyForAll({ store }: ControlPlane, file: string): Promise<void> {
  const keys = loadMasterKeys(file, false);
  assert.equal(keys.length, 1);
  await assertMasterKey({ store, sealer: new Sealer(keys) }, file);
}

test('a user that is made on a destination while the master key is rotated keeps a password that opens with the new key', async () => {
  await using set = await startReplicaSet({ auth: true });
  const stop = new AbortController();
  const { signal } = stop;
  const destinations = createDialler({ allowedDestinations: ['127.0.0.1'], logger: silentLogger, signal });
  await using plane = await startControlPlane({ destinations });
  const { agent, path, groupId } = await prepare(plane, set.uri);
  using following = follow(plane);
  let rotations = 0;
  using _rotating = onFailpoint('control.destination-user.made', async () => {
    rotations += 1;
    await using rotation = rotate(plane);
    assert.equal((await rotation.exit).code, 0, rotation.stderr);
  });
  await plane.api('POST', path, { body: cliBody(groupId) });
  const keeping = keepDestinationUsers(plane.control, silentLogger, signal);
  const polled = async () => {
    const answer = await agent.poll(null);
    assert.equal(answer.status, 200, answer.text);
    return wantedState.parse(answer.json).migrations[0]?.assignment.destination.uri;
  };
  try {
    const uri = await eventually(polled, { what: 'the order of the agent' });
    await using client = new MongoClient(uri);
    await client.db('shop').collection('a').insertOne({});
    assert.equal(rotations, 1);
    await expectOneKeyForAll(plane, following.file);
  } finally {
    stop.abort();
    await keeping;
  }
});

test('a rotation that the server failed to take up is completed by the same command, and signs with a new key', async () => {
  await using plane = await startControlPlane();
  const { serverKeys } = plane.control;
  const failures: unknown[] = [];
  using following = follow(plane, { ...silentLogger, error: (fields: unknown) => failures.push(fields) } as Logger);
  {
    using _full = onFailpoint('store.commit', () => {
      throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
    });
    await using killed = rotate(plane, 'cli.keys.added=kill');
    await expectHookReached(killed);
    await eventually(async () => failures.length > 0, { what: 'the server to fail' });
  }
  const [next] = readFileSync(following.file, 'utf8').split('\n');
  await using again = rotate(plane);
  assert.equal((await again.exit).code, 0, again.stderr);
  assert.equal(readFileSync(following.file, 'utf8'), `${next}\n`, 'no third key was made');
  await expectOneKeyForAll(plane, following.file);
  assert.equal(serverKeys.publicKeys.length, 2);
});
