import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { MongoClient } from 'mongodb';
import { eventually } from './eventually.ts';
import { checkForLeaks } from './leak-check.ts';
import { startReplicaSet, startStandalone } from './replica-set.ts';
import { temporaryFolder } from './temporary-folder.ts';

const starter = new URL('./replica-set.ts', import.meta.url).href;

describe('a replica set for tests', () => {
  checkForLeaks();

  it('requires a password on request, and restricts its users to their roles', async () => {
    await using set = await startReplicaSet({ auth: true });
    await set.createUser('reader', 'p@ss/word', [{ role: 'read', db: 'a' }]);
    await using reader = new MongoClient(set.uriFor('reader', 'p@ss/word'));
    await reader.db('a').collection('b').findOne();
    await assert.rejects(reader.db('a').collection('b').insertOne({}), /not authorized/);
    await using stranger = new MongoClient(set.uriFor('reader', 'wrong'));
    await assert.rejects(stranger.db('a').command({ ping: 1 }), /Authentication failed/);
  });

  it('resumes in a folder of its own', async () => {
    using folder = temporaryFolder('replica-set');
    const options = { folder: folder.path, name: 'kept', auth: true, key: 'secret' };
    const insert = { insert: 'b', documents: [{ n: 1 }], writeConcern: { w: 'majority' } } as const;
    const ports: number[][] = [];
    for (const there of [0, 1]) {
      await using set = await startReplicaSet(options);
      ports.push(set.members.map(({ port }) => port));
      assert.equal(await set.client.db('a').collection('b').countDocuments(), there);
      await set.client.db('a').command(insert);
    }
    assert.deepEqual(ports[0], ports[1]);
  });

  it('elects another primary when one is killed, and lets that one rejoin', async () => {
    await using set = await startReplicaSet({ members: 3 });
    const first = await set.primary();
    await set.client
      .db('a')
      .collection('b')
      .insertOne({ n: 1 }, { writeConcern: { w: 'majority' } });
    await first.kill();
    assert.notEqual(await set.primary(), first);
    await first.restart();
    await set.stepDown();
    assert.equal(await set.client.db('a').collection('b').countDocuments(), 1);
  });

  it('fails the requested commands', async () => {
    await using set = await startReplicaSet();
    await set.failCommand({ mode: { times: 1 }, data: { failCommands: ['insert'], errorCode: 8_000 } });
    const insert = () => set.client.db('a').collection('b').insertOne({});
    await assert.rejects(insert(), { code: 8_000 });
    await insert();
    await set.failCommand({ mode: 'alwaysOn', data: { failCommands: ['insert'], errorCode: 8_000 } });
    await set.clearFailPoints();
    await insert();
  });

  it('can be a server without an oplog', async () => {
    await using standalone = await startStandalone();
    await using client = new MongoClient(standalone.uri);
    assert.equal((await client.db('admin').command({ hello: 1 })).setName, undefined);
  });

  it('does not outlive a killed process', {
    skip: process.platform !== 'linux' && 'needs Linux',
  }, async () => {
    // A killed process leaves files behind, so they must be in a folder that this test removes.
    using folder = temporaryFolder('killed');
    const script = `
      const { startReplicaSet } = await import(${JSON.stringify(starter)});
      const set = await startReplicaSet();
      console.log(set.members[0].pid);
      setInterval(() => {}, 1_000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, LINKSPAN_TEST_CLUSTERS: folder.path },
    });
    const [line] = await once(createInterface({ input: parent.stdout }), 'line');
    const pid = Number(line);
    process.kill(pid, 0);
    const ended = once(parent, 'exit');
    parent.kill('SIGKILL');
    await ended;
    await eventually(() => !isRunning(pid), { what: 'the end of mongod' });
  });
});

/** Whether the process runs. A zombie does not count. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
