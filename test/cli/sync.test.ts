import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair, startReplicaSet } from '../support/replica-set.ts';
import { emptyPair } from '../support/seeds.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { clusters, pairWithData, readJson, refill } from './sync-output.ts';

checkForLeaks({ sockets: false });
/** The fields of `/progress` that tests read. */
interface Progress {
  readonly canCommit: boolean;
  readonly collectionCopy: { readonly estimatedCopiedBytes: number } | null;
}

describe('on one pair, without a cutover', () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());

  test('--once copies, reports the time of each phase, and exits with 0 and identical clusters', async () => {
    await refill(pair);
    await using linkspan = runLinkspan(['sync', ...clusters(pair), '--once']);
    assert.deepEqual(await linkspan.exit, { code: 0, signal: null }, linkspan.stderr);
    for (const row of ['preparing', 'copying', 'following', 'total']) {
      assert.match(linkspan.stdout, new RegExp(`^${row} +\\d+\\.\\d s$`, 'm'));
    }
    assert.match(linkspan.stdout, /^documents +2,000$/m);
    assert.match(linkspan.stderr, /^complete: /m);
    assert.match(
      linkspan.stderr,
      /^linkspan sync: Verified: equal at 2\S+Z for 2,000 documents in 1 collection[;.].* Nothing differs\.$/m,
    );
    const { documents } = await expectIdentical(pair);
    assert.equal(documents, 2_000);
  });

  test('--output json writes one object a line, the result last, and nothing else on stdout', async () => {
    await refill(pair);
    await using linkspan = runLinkspan(['sync', ...clusters(pair), '--once', '--no-verify', '--output', 'json']);
    assert.equal((await linkspan.exit).code, 0, linkspan.stderr);
    const { progress, result } = readJson(linkspan.stdout);
    assert.deepEqual([result.outcome, result.error, result.copy.documentsCopied], ['DONE', null, 2_000]);
    assert.ok(Number(result.totalSeconds) > 0);
    assert.ok(progress.length > 0);
    assert.equal(progress.at(-1)?.stage, 'COMPLETE');
    assert.equal(result.verification?.mode, 'OFF');
    assert.match(linkspan.stderr, /^linkspan sync: Not verified: verification is switched off\.$/m);
  });

  test('--output json ends with one result that has the outcome, even if nothing started', async () => {
    await refill(pair);
    const { source, destination } = pair;
    const run = async (...flags: string[]) => {
      await using linkspan = runLinkspan(['sync', ...flags, '--output', 'json']);
      const { code } = await linkspan.exit;
      return { code, ...readJson(linkspan.stdout), stderr: linkspan.stderr };
    };
    const usage = await run('--cluster0', source.uri, '--once');
    assert.deepEqual([usage.code, usage.result.outcome, usage.result.error?.code], [2, 'REFUSED', 'USAGE']);
    assert.deepEqual([usage.result.migrationId, usage.result.copy, usage.result.totalSeconds], [null, null, null]);

    await destination.client.db('here').collection('already').insertOne({});
    const refused = await run(...clusters(pair), '--once');
    assert.deepEqual([refused.code, refused.progress.length], [2, 0]);
    const { outcome, error, findings } = refused.result;
    assert.deepEqual([outcome, error?.code], ['REFUSED', 'PREFLIGHT_FAILED']);
    assert.match(error?.message ?? '', /DESTINATION_NOT_EMPTY/);
    assert.match(error?.remedy ?? '', /start the migration again/);
    const found = findings.find(({ code }) => code === 'DESTINATION_NOT_EMPTY');
    assert.deepEqual([found?.severity, typeof found?.remedy], ['ERROR', 'string']);
    await destination.client.db('here').dropDatabase();

    const data = { failCommands: ['insert'], namespace: 'shop.orders', errorCode: 2, appName: 'linkspan-destination' };
    await destination.failCommand({ mode: 'alwaysOn', data });
    const failed = await run(...clusters(pair), '--once');
    await destination.clearFailPoints();
    assert.deepEqual([failed.code, failed.result.outcome, failed.result.left?.collections], [1, 'FAILED', 1]);
    assert.match(String(failed.result.migrationId), /^[0-9a-f]{24}$/);
    assert.ok(failed.result.error?.code && failed.result.error.message && failed.result.error.remedy);
  });

  test('--output json also ends with one result when it is stopped', async () => {
    await refill(pair);
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 4],
    ] as const) {
      await using linkspan = runLinkspan(['sync', ...clusters(pair), '--port', '0', '--output', 'json']);
      const [, url] = await linkspan.waitForLine(/API is ready at (\S+)$/);
      const body = JSON.stringify({ source: 'cluster0', destination: 'cluster1' });
      assert.equal((await fetch(`${url}/start`, { method: 'POST', body })).status, 200);
      linkspan.kill(signal);
      assert.equal((await linkspan.exit).code, code, linkspan.stderr);
      const { result } = readJson(linkspan.stdout);
      assert.deepEqual([result.outcome, result.error, typeof result.migrationId], ['STOPPED', null, 'string']);
    }
  });

  test('a destination with data is refused with 2 and unchanged; permission to drop allows the migration', async () => {
    await refill(pair);
    await pair.destination.client.db('here').collection('already').insertOne({});
    await using refused = runLinkspan(['sync', ...clusters(pair), '--once']);
    assert.equal((await refused.exit).code, 2);
    assert.equal(refused.stdout, '');
    assert.match(refused.stderr, /The destination is not empty.*\[DESTINATION_NOT_EMPTY\]/);
    for (const allowing of ['--drop-destination cluster1', '--keep-destination', 'dropDestinationData: true']) {
      assert.ok(refused.stderr.includes(allowing), allowing);
    }
    assert.equal(await pair.destination.client.db('here').collection('already').countDocuments(), 1);
    assert.equal(await pair.destination.client.db('shop').collection('orders').countDocuments(), 0);

    await using allowed = runLinkspan(['sync', ...clusters(pair), '--once', '--drop-destination']);
    assert.equal((await allowed.exit).code, 0, allowed.stderr);
    await expectIdentical(pair);
  });

  test('a destination can keep its data, and namespaces that would be overwritten are refused by name', async () => {
    await refill(pair);
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

  test('a failed migration reports what it leaves on the destination, and how to remove it', async () => {
    await emptyPair(pair);
    await pair.source.client.db('shop').collection('orders').insertOne({ number: 1 });
    const data = { failCommands: ['insert'], namespace: 'shop.orders', errorCode: 2, appName: 'linkspan-destination' };
    await pair.destination.failCommand({ mode: 'alwaysOn', data });
    await using linkspan = runLinkspan(['sync', ...clusters(pair), '--once']);
    assert.equal((await linkspan.exit).code, 1);
    assert.match(
      linkspan.stderr,
      /left on the destination: 1 collection, 0 views, 0 indexes that are not as on the source, 0 users, 0 roles\. /,
    );
    assert.match(linkspan.stderr, /linkspan cleanup --migration \w+ .*including linkspan_internal$/m);
    await pair.destination.clearFailPoints();
    assert.match(linkspan.stderr, /Run the same command again to resume/);
    await using again = runLinkspan(['sync', ...clusters(pair), '--once']);
    assert.equal((await again.exit).code, 0, again.stderr);
    assert.match(again.stderr, /resuming /);
    await expectIdentical(pair);
  });

  test('running a finished copy again copies the current data instead of reporting the old result', async () => {
    await refill(pair);
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
    assert.doesNotMatch(again.stderr, /^complete|100 %/m);
    await using asJson = runLinkspan(['sync', ...clusters(pair), '--once', '--output', 'json']);
    assert.equal((await asJson.exit).code, 2);
    const { progress, result } = readJson(asJson.stdout);
    assert.deepEqual(
      progress.filter(({ stage }) => stage === 'COMPLETE'),
      [],
    );
    assert.deepEqual([result.outcome, result.error?.code], ['REFUSED', 'PREFLIGHT_FAILED']);
    assert.equal((await run('--drop-destination')).code, 0);
    const { documents } = await expectIdentical(pair);
    assert.equal(documents, 0);
  });
});

test('SIGINT exits with 130 and SIGTERM with 4, and the same command resumes', async () => {
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
    await linkspan.waitForLine(/^ready to cut over: /, 30_000);
    linkspan.kill(signal);
    assert.deepEqual(await linkspan.exit, { code, signal: null }, linkspan.stderr);
    assert.match(linkspan.stderr, /stopped; start the same command again, then POST \/api\/v1\/start resumes/);
  }
  const { linkspan, post } = await start();
  await using _process = linkspan;
  await linkspan.waitForLine(
    /migration [0-9a-f]{24} from cluster0 to cluster1 is unfinished \(following changes\): POST \/api\/v1\/start with \{"source":"cluster0","destination":"cluster1"\} resumes it/,
  );
  await post('start', { source: 'cluster0', destination: 'cluster1' });
  await linkspan.waitForLine(/^ready to cut over: /, 30_000);
  assert.equal((await post('commit', {})).status, 200);
  await linkspan.waitForLine(/^complete: /, 30_000);
  linkspan.kill('SIGINT');
  assert.equal((await linkspan.exit).code, 0);
  assert.match(linkspan.stderr, /ended; the migration is committed/);
});

test('a sync that is stopped before its migration starts reports that none was started', async () => {
  await using linkspan = runLinkspan([
    'sync',
    '--cluster0',
    'mongodb://127.0.0.1:1',
    '--cluster1',
    'mongodb://127.0.0.1:2',
    '--port',
    '0',
  ]);
  await linkspan.waitForLine(/API is ready/);
  linkspan.kill('SIGINT');
  assert.equal((await linkspan.exit).code, 130);
  assert.match(linkspan.stderr, /stopped; no migration was started/);
  assert.doesNotMatch(linkspan.stderr, /resumes/);
});

test('a sync with a user without privileges is refused with findings on separate lines, as in a plan', async () => {
  await using source = await startReplicaSet({ auth: true });
  await using destination = await startReplicaSet();
  await source.createUser('reader', 'secret', ['read']);
  const uris = ['--cluster0', source.uriFor('reader', 'secret'), '--cluster1', destination.uri];
  await using linkspan = runLinkspan(['sync', '--once', '--users-and-roles', ...uris]);
  assert.equal((await linkspan.exit).code, 2);
  assert.match(
    linkspan.stderr,
    /^linkspan sync: The migration cannot start; nothing was changed\. \[PREFLIGHT_FAILED\]$/m,
  );
  assert.match(
    linkspan.stderr,
    /^Errors: these keep a migration from starting \(1\)\n {2}User .*\[MISSING_PRIVILEGE\]\n {4}docs/m,
  );
  assert.doesNotMatch(linkspan.stderr, /CHECK_FAILED|CHECK_INCOMPLETE|lsid|clusterTime|UUID/);
});

test('a wrong command line prints one message and exits with 2; no password is shown', async () => {
  const wrong: [string[], RegExp][] = [
    [[], /Usage:\s+linkspan/],
    [['sync'], /A source and a destination are needed: --cluster0 and --cluster1\. .*\[USAGE\]/],
    [['sync', '--port', '70000'], /'70000' is invalid\. It is not a port number\. See .* \[USAGE\]/],
    [
      ['sync', '--cluster0', 'mongodb://a', '--cluster1', 'mongodb://b', '--keep-destination'],
      /need --once\. Without it, pass the selection to \/start.*\[USAGE\]/,
    ],
    [['sync', '--load-level', '5'], /'5' is invalid.*Allowed choices are 1, 2, 3, 4/],
    [['sync', '--max-megabytes-per-second', '0'], /'0' is invalid\. It is not a number above 0/],
    [['sync', '--clusterX', 'a'], /unknown option '--clusterX'/],
    [['sync', '--config', '/nowhere.yaml'], /\[CONFIGURATION_UNREADABLE\]/],
    [
      ['sync', '--cluster0', 'mongodb://u:hidden@a:99999', '--cluster1', 'mongodb://b'],
      /\[INVALID_CONNECTION_STRING\]/,
    ],
    [['agent'], /required option '--config <file>' not specified\. See .*\[USAGE\]/],
    [['sync', 'mongodb://u:hidden@a', 'b', 'c'], /too many arguments for 'sync'.*mongodb:\/\/\*\*\*@a/],
    [['sync', 'mongodb://u:hidden@a', 'b'], /\[INVALID_CONNECTION_STRING\]/],
    [['sync', 'mongodb://a', '--cluster0', 'mongodb://b'], /The source is given twice/],
    [['sync', '--clusterX=mongodb://u:hidden@a'], /unknown option '--clusterX'\. Did you mean/],
    [
      ['migration', 'create', '--sourcePasswort=hidden'],
      /unknown option '--sourcePasswort'\. Did you mean --sourcePassword\?/,
    ],
    [['sync', '--cluster0', 'mongodb://u:hid@den/x@a', '--cluster1', 'mongodb://b'], /percent-encoded/],
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

test('a copy limit applies from the first byte, and a call of /load removes it', async () => {
  await using pair = await startPair();
  for (const name of ['a', 'b', 'c']) {
    const documents = Array.from({ length: 50 }, () => ({ text: 'x'.repeat(1_000) }));
    await pair.source.client.db('shop').collection(name).insertMany(documents);
  }
  const limited = ['--load-level', '1', '--max-megabytes-per-second', '0.05'];
  await using once = runLinkspan(['sync', ...clusters(pair), '--once', ...limited, '--output', 'json']);
  assert.equal((await once.exit).code, 0, once.stderr);
  const { phases } = readJson(once.stdout).result;
  const copying = phases?.find(({ name }) => name === 'COPYING');
  // One collection per second, the first one at once.
  assert.ok(Number(copying?.seconds) > 1.9, JSON.stringify(phases));

  using folder = temporaryFolder('limited');
  const config = join(folder.path, 'sync.yaml');
  writeFileSync(
    config,
    `cluster0: ${pair.source.uri}\ncluster1: ${pair.destination.uri}\nmaxMegabytesPerSecond: 0.0001\n`,
  );
  const drop = ['--drop-destination', 'cluster1'];
  await using live = runLinkspan(['sync', '--config', config, ...drop, '--port', '0', '--output', 'json']);
  const [, url] = await live.waitForLine(/API is ready at (\S+)$/);
  const post = (call: string, body: object) => fetch(`${url}/${call}`, { method: 'POST', body: JSON.stringify(body) });
  assert.equal((await post('start', { source: 'cluster0', destination: 'cluster1' })).status, 200);
  const progress = async () => {
    const { progress } = (await (await fetch(`${url}/progress`)).json()) as { progress: Progress };
    return progress;
  };
  await eventually(async () => ((await progress()).collectionCopy?.estimatedCopiedBytes ?? 0) > 0, {
    what: 'a copied byte',
  });
  assert.equal((await progress()).canCommit, false, 'the second collection would take eight minutes');
  assert.equal((await post('load', { maxMegabytesPerSecond: null })).status, 200);
  await eventually(async () => (await progress()).canCommit, { what: 'canCommit' });
  live.kill('SIGTERM');
  await live.exit;
});

test('the error names a port that is in use, and the exit code is 2', async () => {
  const uris = ['--cluster0', 'mongodb://127.0.0.1:1', '--cluster1', 'mongodb://127.0.0.1:2'];
  await using first = runLinkspan(['sync', ...uris, '--port', '0']);
  const [, port = ''] = await first.waitForLine(/127\.0\.0\.1:(\d+)/);
  await using second = runLinkspan(['sync', ...uris, '--port', port]);
  assert.equal((await second.exit).code, 2);
  assert.match(second.stderr, new RegExp(`127\\.0\\.0\\.1:${port} is already in use\\. .*\\[PORT_IN_USE\\]`));
});
