import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compareClusters } from '../support/compare-clusters.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

checkForLeaks({ sockets: false });

async function pairWithData(): Promise<ReplicaSetPair> {
  const pair = await startPair();
  const documents = Array.from({ length: 2_000 }, (_, index) => ({ _id: index, text: `document ${index}` }));
  const collection = pair.source.client.db('shop').collection<{ _id: number; text: string }>('orders');
  await collection.insertMany(documents);
  await collection.createIndex({ text: 1 });
  return pair;
}

function clusters({ source, destination }: ReplicaSetPair): string[] {
  return ['--cluster0', source.uri, '--cluster1', destination.uri];
}

test('--once copies, says where the time went, and ends with 0 and identical clusters', async () => {
  await using pair = await pairWithData();
  await using linkspan = runLinkspan(['sync', ...clusters(pair), '--once']);
  assert.deepEqual(await linkspan.exit, { code: 0, signal: null }, linkspan.stderr);
  for (const row of ['preparing', 'copying', 'catching up', 'in all']) {
    assert.match(linkspan.stdout, new RegExp(`^${row} +\\d+\\.\\d s$`, 'm'));
  }
  assert.match(linkspan.stdout, /^documents +2,000$/m);
  assert.match(linkspan.stderr, /^done: /m);
  assert.match(linkspan.stderr, /not verified/);
  const { differences, documents } = await compareClusters(pair.source.client, pair.destination.client);
  assert.deepEqual([differences, documents], [[], 2_000]);
});

test('--output json is one object a line, the result last, and nothing else on stdout', async () => {
  await using pair = await pairWithData();
  await using linkspan = runLinkspan(['sync', ...clusters(pair), '--once', '--no-verify', '--output', 'json']);
  assert.equal((await linkspan.exit).code, 0, linkspan.stderr);
  const objects = linkspan.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const result = objects.pop();
  assert.deepEqual([result.type, result.copy.documentsCopied], ['result', 2_000]);
  assert.ok(result.totalSeconds > 0);
  assert.ok(objects.length > 0 && objects.every(({ type }) => type === 'progress'));
  assert.doesNotMatch(linkspan.stderr, /not verified/);
});

test('a destination with data is refused with 2 and left as it is; permission to drop makes it possible', async () => {
  await using pair = await pairWithData();
  await pair.destination.client.db('here').collection('already').insertOne({});
  await using refused = runLinkspan(['sync', ...clusters(pair), '--once']);
  assert.equal((await refused.exit).code, 2);
  assert.equal(refused.stdout, '');
  assert.match(refused.stderr, /The destination is not empty.*\[DESTINATION_NOT_EMPTY\]/);
  assert.equal(await pair.destination.client.db('here').collection('already').countDocuments(), 1);
  assert.equal(await pair.destination.client.db('shop').collection('orders').countDocuments(), 0);

  await using allowed = runLinkspan(['sync', ...clusters(pair), '--once', '--drop-destination']);
  assert.equal((await allowed.exit).code, 0, allowed.stderr);
  const { differences } = await compareClusters(pair.source.client, pair.destination.client);
  assert.deepEqual(differences, []);
});

test('a destination with data can keep it, and then refuses by name what would be written over', async () => {
  await using pair = await pairWithData();
  const { client } = pair.destination;
  await client.db('here').collection('already').insertOne({});
  const run = async (...flags: string[]) => {
    await using linkspan = runLinkspan(['sync', ...clusters(pair), '--once', '--keep-destination', ...flags]);
    const { code } = await linkspan.exit;
    return { code, stderr: linkspan.stderr };
  };
  assert.equal((await run('--drop-destination')).code, 2);
  const done = await run();
  assert.equal(done.code, 0, done.stderr);
  assert.equal(await client.db('here').collection('already').countDocuments(), 1);
  assert.equal(await client.db('shop').collection('orders').countDocuments(), 2_000);
  const again = await run();
  assert.equal(again.code, 2);
  assert.match(again.stderr, /already has shop\.orders\..*\[NAMESPACE_EXISTS\]/);
});

test('one that fails says what it leaves on the destination, and how that goes away', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertOne({ number: 1 });
  const data = { failCommands: ['insert'], namespace: 'shop.orders', errorCode: 2, appName: 'linkspan-destination' };
  await pair.destination.failCommand({ mode: 'alwaysOn', data });
  await using linkspan = runLinkspan(['sync', ...clusters(pair), '--once']);
  assert.equal((await linkspan.exit).code, 1);
  assert.match(linkspan.stderr, /left on the destination: 1 collections, 0 views, 0 indexes .*, 0 users, 0 roles\. /);
  assert.match(linkspan.stderr, /linkspan cleanup --migration \w+ .*linkspan_internal, which stays until then$/m);
});

test('a finished copy asked for again is a new one of what is there now, not an old "done"', async () => {
  await using pair = await pairWithData();
  const run = async (...flags: string[]) => {
    await using linkspan = runLinkspan(['sync', ...clusters(pair), '--once', ...flags]);
    const { code } = await linkspan.exit;
    return { code, stderr: linkspan.stderr };
  };
  assert.equal((await run()).code, 0);
  await pair.source.client.db('shop').collection('orders').deleteMany({});
  const again = await run();
  assert.equal(again.code, 2);
  assert.match(again.stderr, /\[DESTINATION_NOT_EMPTY\]/);
  assert.equal((await run('--drop-destination')).code, 0);
  const { differences, documents } = await compareClusters(pair.source.client, pair.destination.client);
  assert.deepEqual([differences, documents], [[], 0]);
});

test('SIGINT ends with 130 and SIGTERM with 4, and the same command goes on', async () => {
  await using pair = await pairWithData();
  using folder = temporaryFolder('sync');
  const config = join(folder.path, 'sync.yaml');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the file's own syntax for environment variables
  writeFileSync(config, 'cluster0: ${SOURCE}\ncluster1: ${DESTINATION}\nport: 0\n');
  const env = { SOURCE: pair.source.uri, DESTINATION: pair.destination.uri };
  const start = async () => {
    const linkspan = runLinkspan(['sync', '--config', config], { env });
    const [, url] = await linkspan.waitForLine(
      /^linkspan sync: mongosync's API is ready at (http:\/\/127\.0\.0\.1:\d+\/api\/v1)$/,
    );
    const post = (call: string, body: object) =>
      fetch(`${url}/${call}`, { method: 'POST', body: JSON.stringify(body) });
    return { linkspan, post };
  };
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 4],
  ] as const) {
    const { linkspan, post } = await start();
    await using _process = linkspan;
    assert.equal((await post('start', { source: 'cluster0', destination: 'cluster1' })).status, 200);
    await linkspan.waitForLine(/^in step: /, 30_000);
    linkspan.kill(signal);
    assert.deepEqual(await linkspan.exit, { code, signal: null }, linkspan.stderr);
    assert.match(linkspan.stderr, /stopped; the same command goes on from here/);
  }
  const { linkspan, post } = await start();
  await using _process = linkspan;
  await post('start', { source: 'cluster0', destination: 'cluster1' });
  await linkspan.waitForLine(/^in step: /, 30_000);
  assert.equal((await post('commit', {})).status, 200);
  await linkspan.waitForLine(/^done: /, 30_000);
  linkspan.kill('SIGTERM');
  assert.equal((await linkspan.exit).code, 0);
});

test('what is wrong with the command line is one message and 2; no password is ever shown', async () => {
  const wrong: [string[], RegExp][] = [
    [[], /Usage: linkspan/],
    [['sync'], /Both --cluster0 and --cluster1 are needed\. .*\[USAGE\]/],
    [['sync', '--port', '70000'], /'70000' is invalid\. It is not a port number\. \[USAGE\]/],
    [
      ['sync', '--cluster0', 'mongodb://a', '--cluster1', 'mongodb://b', '--keep-destination'],
      /said to \/start, or, with --once.*\[USAGE\]/,
    ],
    [['sync', '--clusterX', 'a'], /unknown option '--clusterX'/],
    [['sync', '--config', '/nowhere.yaml'], /\[CONFIGURATION_UNREADABLE\]/],
    [
      ['sync', '--cluster0', 'mongodb://u:hidden@a:99999', '--cluster1', 'mongodb://b'],
      /\[INVALID_CONNECTION_STRING\]/,
    ],
    [['agent'], /required option '--config <file>' not specified \[USAGE\]/],
    [['nothing'], /unknown command 'nothing'/],
  ];
  for (const [args, message] of wrong) {
    await using linkspan = runLinkspan(args);
    assert.equal((await linkspan.exit).code, 2, args.join(' '));
    assert.equal(linkspan.stdout, '');
    assert.match(linkspan.stderr, message);
    assert.doesNotMatch(linkspan.stderr, /hidden|^ +at /m);
  }
});

test('a port that is taken is named, and ends with 2', async () => {
  const uris = ['--cluster0', 'mongodb://127.0.0.1:1', '--cluster1', 'mongodb://127.0.0.1:2'];
  await using first = runLinkspan(['sync', ...uris, '--port', '0']);
  const [, port = ''] = await first.waitForLine(/127\.0\.0\.1:(\d+)/);
  await using second = runLinkspan(['sync', ...uris, '--port', port]);
  assert.equal((await second.exit).code, 2);
  assert.match(second.stderr, new RegExp(`127\\.0\\.0\\.1:${port} is already in use\\. .*\\[PORT_IN_USE\\]`));
});
