import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkHost } from '../../src/cli/maintain/host-checks.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

checkForLeaks({ sockets: false });

async function doctor(...flags: string[]) {
  await using linkspan = runLinkspan(['doctor', ...flags]);
  const { code } = await linkspan.exit;
  return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
}

test('warns of a machine that is too small or busy, and says what to do', () => {
  const levels = (facts: object) => {
    const fine = { memoryBytes: 4e9, processors: 2, load: 0.5, openFiles: 65_536 };
    return checkHost({ ...fine, ...facts }).flatMap(({ level, subject, message }) =>
      level === 'warning' ? [`${subject}: ${message}`] : [],
    );
  };
  assert.deepEqual(levels({}), []);
  assert.deepEqual(levels({ openFiles: Number.POSITIVE_INFINITY }), []);
  assert.match(levels({ memoryBytes: 512e6 }).join(), /^memory: 512 MB\. Give it 1,000 MB, or lower/);
  assert.match(levels({ processors: 1 }).join(), /^processors: only 1\. Give it 2/);
  assert.match(levels({ load: 2.1 }).join(), /^load: 2\.1 per processor\. Stop other programs/);
  assert.match(levels({ openFiles: 1_024 }).join(), /^open files: 1,024 at most\. Raise the limit/);
});

test('checks the host, and the server and the agent that it is told of', async () => {
  using folder = temporaryFolder('doctor');
  const host = await doctor();
  assert.equal(host.code, 0, host.stderr);
  assert.match(host.stdout, /^ok {6}Node\.js: \d+\.\d+\.\d+ for linux-/);
  const missing = join(folder.path, 'agent.yaml');
  const all = await doctor('--data-dir', join(folder.path, 'data'), '--config', missing);
  assert.match(
    all.stdout,
    /\nlinkspan serve:\n[\s\S]*ok {6}store: the first start creates it\n[\s\S]*\nlinkspan agent:\n/,
  );
  assert.match(all.stderr, /agent\.yaml cannot be read.*\[CONFIGURATION_UNREADABLE\]/);
  assert.equal(all.code, 2, 'the worst of its parts');
  const half = await doctor('--cluster0', 'mongodb://127.0.0.1:1/');
  assert.match(half.stderr, /needs both of --cluster0 and --cluster1/);
  assert.equal(half.code, 2);
});

test('plans a migration between the clusters that it is told of, and writes nothing', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertOne({});
  const flags = ['--cluster0', pair.source.uri, '--cluster1', pair.destination.uri];
  const { code, stdout, stderr } = await doctor(...flags);
  assert.match(stdout, /\nlinkspan plan:\n[\s\S]*Nothing stops this migration/);
  assert.equal(code, 0, stderr);
  const { databases } = await pair.destination.client.db().admin().listDatabases({ nameOnly: true });
  assert.deepEqual(
    databases.map(({ name }) => name).filter((name) => !['admin', 'config', 'local'].includes(name)),
    [],
  );
});
