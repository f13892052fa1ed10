import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { startSync } from '../support/sync-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { findMongosh } from './find-mongosh.ts';
import { Reader } from './reader.ts';

checkForLeaks({ sockets: false });

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const unindented = (text: string) => text.replace(/^ {3}/gm, '');
const page = unindented(read('docs/get-started/faq.md'));
const mongosh = await findMongosh();
const skip = 'missing' in mongosh && mongosh.missing;

/** Returns the text under a heading of the page, up to the next heading. */
function section(heading: string): string {
  const [, text = ''] = page.split(`# ${heading}\n`);
  assert.notEqual(text, '', `nothing under ${heading}`);
  return text.split(/\n##+ /)[0] ?? '';
}

const COMPARE = section('How do I compare both sides by hand?');
const [, HASHES = ''] = /```js\n(.*?)```/s.exec(COMPARE) ?? [];

function readerAt(folder: string, variables: Readonly<Record<string, string>>): Reader {
  const tools = 'folder' in mongosh ? mongosh.folder : '';
  const PATH = [join(ROOT, 'bin'), tools, process.env.PATH].filter(Boolean).join(delimiter);
  writeFileSync(join(folder, 'hashes.js'), HASHES);
  return new Reader(folder, { HOME: folder, ...variables, PATH });
}

/** Creates one collection of each kind on the source. */
async function seed({ source }: ReplicaSetPair): Promise<void> {
  const shop = source.client.db('shop');
  await shop.collection('orders').insertMany([{ n: 1 }, { n: 2 }]);
  await shop.collection('orders').createIndex({ n: 1 }, { unique: true });
  await shop.collection('sessions').createIndex({ at: 1 }, { expireAfterSeconds: 86_400 });
  await shop.createCollection('log', { capped: true, size: 65_536 });
  await shop.collection('log').insertOne({ text: 'one' });
  await shop.createCollection('temperatures', { timeseries: { timeField: 'at' } });
  await shop.collection('temperatures').insertOne({ at: new Date(0), celsius: 20 });
  await shop.createCollection('recent', { viewOn: 'orders', pipeline: [] });
}

/** Runs a migration with a cutover, which leaves its source blocked. */
async function migrate(pair: ReplicaSetPair): Promise<void> {
  await using sync = await startSync({ source: pair.source.uri, destination: pair.destination.uri });
  const canCommit = async () => (await sync.progress()).canCommit === true;
  await eventually(canCommit, { what: 'the migration to be ready' });
  await sync.call('commit');
  const isCommitted = async () => (await sync.progress()).state === 'COMMITTED';
  await eventually(isCommitted, { what: 'the commit' });
  sync.linkspan.kill('SIGTERM');
  await sync.linkspan.exit;
}

test("after a cutover, the page's steps compare both sides and return to the source", {
  skip,
}, async () => {
  using folder = temporaryFolder('faq');
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const { source, destination } = pair;
  await seed(pair);
  await migrate(pair);

  await source.createUser('reader', 'r', ['backup', 'readAnyDatabase', 'clusterMonitor']);
  const roles = ['readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor'];
  await destination.createUser('mover', 'm', roles);
  await using leastPrivileged = readerAt(folder.path, {
    SOURCE: source.uriFor('reader', 'r'),
    DESTINATION: destination.uriFor('mover', 'm'),
  });
  await leastPrivileged.follow(COMPARE);
  assert.equal(leastPrivileged.answer, 'equal\n');
  const hashes = readFileSync(join(folder.path, 'source.txt'), 'utf8');
  for (const name of ['orders', 'sessions', 'log', 'system.buckets.temperatures', 'recent'])
    assert.match(hashes, new RegExp(`^shop ${name} `, 'm'));
  assert.match(hashes, /^shop orders index .*"unique":true/m);

  await using administrator = readerAt(folder.path, { SOURCE: source.uri, DESTINATION: destination.uri });
  await administrator.follow(section('COMPLETE, and the destination has no new writes'));
  assert.match(administrator.answer, /ok: 1/);

  await destination.client.db('shop').collection('orders').insertOne({ n: 3 });
  const differs = ({ stdout }: Error & { stdout?: string }) => /^[<>] shop orders collection/m.test(stdout ?? '');
  await assert.rejects(leastPrivileged.follow(COMPARE), differs);

  await administrator.follow(section('COMPLETE, and the destination has new writes'));
  await expectIdentical({ source: destination, destination: source });
  assert.equal(await source.client.db('shop').collection('orders').countDocuments({ n: 3 }), 1);
  await leastPrivileged.follow(COMPARE);
});

test('cancelling a migration before its cutover, as on the page, leaves the source writable and reports that', async () => {
  using folder = temporaryFolder('faq');
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await seed(pair);
  const guide = read('docs/get-started/first-migration.md');
  const [, configuration = ''] = /```yaml\n(.*?)```/s.exec(guide) ?? [];
  writeFileSync(join(folder.path, 'agent.yaml'), configuration);
  const [, untilReady = ''] = /\n## With the command line\n(.*?)\nCut over\./s.exec(guide) ?? [];
  const [, showMigration = ''] = /(```sh\nlinkspan migration describe .*?```)/s.exec(guide) ?? [];
  await using reader = readerAt(folder.path, { SOURCE: pair.source.uri, DESTINATION: pair.destination.uri });
  await reader.follow(untilReady);
  await reader.follow(section('Before it is COMPLETE'));
  await reader.follow(`Repeat it until it shows \`FAILED\`:\n\n${showMigration}`);
  assert.match(reader.answer, /cancelled/i);
  await pair.source.createUser('application', 'a', ['readWriteAnyDatabase']);
  await pair.source.client.db('shop').collection('orders').insertOne({ n: 4 });
  assert.ok((await pair.destination.client.db('shop').collection('orders').countDocuments()) >= 2);
});

test("a destination user with the page's roles for Atlas can migrate, with the warning on the page", async () => {
  await using pair = await startPair({ destination: { auth: true } });
  await seed(pair);
  const [, row = ''] = /\| database user \|(.*?)\|/.exec(page) ?? [];
  const roles = [...row.matchAll(/`(\w+)`/g)].map(([, role = '']) => role);
  assert.deepEqual(roles, ['readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor']);
  await pair.destination.createUser('mover', 'm', roles);
  const destination = pair.destination.uriFor('mover', 'm');
  await using plan = runLinkspan(['plan', pair.source.uri, destination, '--output', 'json']);
  assert.equal((await plan.exit).code, 0, plan.stdout);
  const findings: { severity: string; code: string }[] = JSON.parse(plan.stdout).findings;
  assert.ok(
    findings.some(({ code }) => code === 'DESTINATION_UNPROTECTED'),
    plan.stdout,
  );
  assert.deepEqual(
    findings.filter(({ code }) => /PRIVILEGE|CHECK_FAILED/.test(code)),
    [],
  );
  await migrate({ ...pair, destination: { ...pair.destination, uri: destination } });
  await expectIdentical(pair);
});

test('the README links to the FAQ and to the reporting of vulnerabilities', () => {
  const readme = read('README.md');
  for (const target of ['docs/get-started/faq.md', 'SECURITY.md']) assert.ok(readme.includes(`](${target})`), target);
  const questions = [...read('docs/get-started/faq.md').matchAll(/^- \[.*?\]\(#(.*?)\)$/gm)].map(
    ([, anchor]) => anchor,
  );
  const headings = [...read('docs/get-started/faq.md').matchAll(/^## (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  assert.deepEqual(questions, headings);
});

test('the supported versions of the manual are those on which the tests of this repository run', () => {
  const versions = read('docs/plan/supported-versions.md');
  const [, matrix = ''] = /const PAIRS.*?= \[(.*?)\n\];/s.exec(read('test/matrix/run.ts')) ?? [];
  for (const side of ['source', 'destination']) {
    const tested = new Set(
      [...matrix.matchAll(new RegExp(`${side}: fetched\\('([\\d.]+)'`, 'g'))].map(([, version]) => version),
    );
    const [, told = ''] = new RegExp(`^\\| ${side} \\| (.*?) \\|`, 'm').exec(versions) ?? [];
    assert.deepEqual(new Set(told.split(', ')), tested);
  }
});
