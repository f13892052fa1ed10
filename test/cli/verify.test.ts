import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { verificationReport } from '../../src/contract/index.ts';
import { CHECKPOINT_SCHEMA } from '../../src/engine/records/records.ts';
import { eventually } from '../support/eventually.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { expectHookReached, type RunOptions, runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair, startStandalone } from '../support/replica-set.ts';
import { emptyPair, identified } from '../support/seeds.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

checkForLeaks({ sockets: false });

const DOCUMENTS = 3_000;
/** Differences count soon, so that tests are quick. */
const QUICK = ['--settle-seconds', '0.5'];

let pair: ReplicaSetPair;
before(async () => {
  pair = await startPair();
});
after(() => pair[Symbol.asyncDispose]());
beforeEach(async () => {
  await emptyPair(pair);
  for (const { client } of [pair.source, pair.destination]) {
    const collection = client.db('shop').collection<{ _id: number }>('orders');
    await collection.insertMany(identified(DOCUMENTS, { text: 'x'.repeat(1_000) }));
  }
});

const there = () => pair.destination.client.db('shop').collection<{ _id: number }>('orders');
const uris = () => [pair.source.uri, pair.destination.uri];

function start(flags: readonly string[], options?: RunOptions) {
  return runLinkspan(['verify', ...flags, ...QUICK], options);
}

async function verify(flags: readonly string[], options?: RunOptions) {
  await using linkspan = start(flags, options);
  const { code } = await linkspan.exit;
  return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
}

test('equal clusters end with 0, different ones with 3 and the differences', async () => {
  const equal = await verify(uris());
  assert.equal(equal.code, 0, equal.stdout + equal.stderr);
  assert.match(equal.stdout, /^shop\.orders: 3,000 documents, 3\.\d+ MB$/m);
  assert.match(equal.stdout, /^ {2}digest [0-9a-f]{64}$/m);
  assert.match(equal.stdout, /^Equal\. Both sides have the same 3,000 documents in 1 collection, byte for byte/m);

  await there().updateOne({ _id: 7 }, { $set: { text: 'other' } });
  await there().deleteOne({ _id: 8 });
  await there().createIndex({ text: 1 });
  using folder = temporaryFolder('report');
  const report = join(folder.path, 'report.json');
  const different = await verify([...uris(), '--report', report]);
  assert.equal(different.code, 3, different.stdout + different.stderr);
  assert.match(different.stdout, /^ {2}shop\.orders _id \{"\$numberInt":"7"\}: different at text$/m);
  assert.match(different.stdout, /^ {2}shop\.orders _id \{"\$numberInt":"8"\}: missing$/m);
  assert.match(different.stdout, /^ {2}shop\.orders: index extra text_1/m);
  assert.match(different.stdout, /^Different\. 2 documents and 1 definition differ/m);
  const { result, differences } = verificationReport.parse(JSON.parse(readFileSync(report, 'utf8')));
  assert.equal(result, 'DIFFERENT');
  assert.equal(differences.total, 2);
  const listed = readFileSync(`${report}.differences.ndjson`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(listed.map(({ _id, class: kind }) => `${_id.$numberInt} ${kind}`).sort(), [
    '7 DIFFERENT',
    '8 MISSING',
  ]);

  const json = await verify([...uris(), '--output', 'json']);
  assert.equal(json.code, 3);
  const lines = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(lines.filter(({ type }) => type === 'difference').length, 2);
  assert.deepEqual(
    [lines.at(-1).type, lines.at(-1).outcome, lines.at(-1).error.code],
    ['result', 'FAILED', 'DIFFERENCES_FOUND'],
  );
  assert.equal(lines.at(-1).report.result, 'DIFFERENT');
});

test('what cannot be compared ends with 2: one cluster twice, a standalone server, a file that is no state', async () => {
  const [source = '', destination = ''] = uris();
  const same = await verify([source, source]);
  assert.deepEqual([same.code, /\[SAME_CLUSTER\]/.test(same.stderr)], [2, true], same.stderr);
  await using standalone = await startStandalone();
  const alone = await verify([source, standalone.uri]);
  assert.deepEqual([alone.code, /\[STANDALONE_SERVER\]/.test(alone.stderr)], [2, true], alone.stderr);
  using folder = temporaryFolder('report');
  const report = join(folder.path, 'report.json');
  writeFileSync(report, '{"some": "file"}');
  const other = await verify([source, destination, '--report', report]);
  assert.deepEqual([other.code, /\[REPORT_EXISTS\]/.test(other.stderr)], [2, true], other.stderr);
  assert.equal(readFileSync(report, 'utf8'), '{"some": "file"}');
  assert.equal((await verify([])).code, 2);
});

test('a run that SIGTERM stops ends with 4, and the same command resumes it and finds what it had found', async () => {
  await there().deleteOne({ _id: 3 });
  await there().deleteOne({ _id: DOCUMENTS - 1 });
  using folder = temporaryFolder('report');
  const report = join(folder.path, 'report.json');
  const slow = [...uris(), '--report', report, '--rate', '0.4'];
  await using linkspan = start(slow);
  const saved = () => JSON.parse(readFileSync(report, 'utf8')).state;
  await eventually(
    () => existsSync(report) && saved().pairs[0]?.after !== null && saved().differences.listed.length > 0,
    {
      what: 'a saved position with a difference',
    },
  );
  linkspan.kill('SIGTERM');
  assert.deepEqual(await linkspan.exit, { code: 4, signal: null });
  assert.match(linkspan.stderr, /linkspan verify: stopped; the same command resumes/);
  assert.equal(saved().pairs[0]?.isDone, false);
  const readBefore = saved().pairs[0].digests.both.count + saved().pairs[0].digests.source.count;
  assert.ok(readBefore > 0 && readBefore < DOCUMENTS);

  const resumed = await verify([...uris(), '--report', report]);
  assert.equal(resumed.code, 3, resumed.stdout + resumed.stderr);
  const { differences, totals, collections } = JSON.parse(readFileSync(report, 'utf8'));
  assert.equal(differences.total, 2);
  assert.equal(totals.documents, DOCUMENTS);
  assert.equal(collections[0].destination.count, DOCUMENTS - 2);
});

for (const hook of ['engine.compare.chunk-compared@2', 'engine.compare.state-saved', 'engine.compare.rechecked']) {
  test(`a run that is killed at ${hook} resumes and finds everything`, async () => {
    await there().deleteOne({ _id: 3 });
    await there().updateOne({ _id: 2_900 }, { $set: { text: '' } });
    using folder = temporaryFolder('report');
    const report = join(folder.path, 'report.json');
    const flags = [...uris(), '--report', report, '--rate', '1'];
    await using linkspan = start(flags, { hook: `${hook}=kill` });
    await expectHookReached(linkspan);
    // Changes while no one looks are seen on the streams, which resume where they were.
    await there().deleteOne({ _id: 4 });
    const resumed = await verify(flags);
    assert.equal(resumed.code, 3, resumed.stdout + resumed.stderr);
    const { differences, totals } = JSON.parse(readFileSync(report, 'utf8'));
    assert.equal(differences.total, 3);
    assert.equal(totals.documents, DOCUMENTS);
  });
}

test('a state of another selection is refused', async () => {
  using folder = temporaryFolder('report');
  const report = join(folder.path, 'report.json');
  await using linkspan = start([...uris(), '--report', report, '--rate', '0.4']);
  await eventually(() => existsSync(report), { what: 'a saved state' });
  linkspan.kill('SIGINT');
  assert.deepEqual(await linkspan.exit, { code: 4, signal: null });
  const other = await verify([...uris(), '--report', report, '--keep-destination']);
  assert.deepEqual([other.code, /\[REPORT_OF_OTHER_RUN\]/.test(other.stderr)], [2, true], other.stderr);
});

test('--repair writes what differs and ends with 0, and a second run finds nothing', async () => {
  await there().updateOne({ _id: 7 }, { $set: { text: 'other' } });
  await there().deleteOne({ _id: 8 });
  await there().insertOne({ _id: -1 });
  const repaired = await verify([...uris(), '--repair']);
  assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr);
  assert.match(repaired.stdout, /^ {2}shop\.orders _id \{"\$numberInt":"8"\}: missing \(repaired\)$/m);
  const again = await verify(uris());
  assert.equal(again.code, 0, again.stdout);
  assert.doesNotMatch(again.stdout, /repaired/);
});

for (const hook of ['engine.compare.repairs-recorded', 'engine.compare.repaired', 'engine.compare.repaired@2']) {
  test(`a repair that is killed at ${hook} ends with everything repaired, and reports it`, async () => {
    await there().updateOne({ _id: 7 }, { $set: { text: 'other' } });
    await there().deleteOne({ _id: 8 });
    using folder = temporaryFolder('report');
    const report = join(folder.path, 'report.json');
    const flags = [...uris(), '--repair', '--report', report];
    await using linkspan = start(flags, { hook: `${hook}=kill` });
    await expectHookReached(linkspan);
    const resumed = await verify(flags);
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    const { differences } = JSON.parse(readFileSync(report, 'utf8'));
    assert.deepEqual([differences.total, differences.repaired], [0, 2]);
    assert.equal((await verify(uris())).code, 0);
  });
}

test('--repair is refused beside a migration that has not ended', async () => {
  await pair.destination.client
    .db('linkspan_internal')
    .collection<{ _id: string; schema: number; state: string }>('migrations')
    .insertOne({ _id: 'a'.repeat(24), schema: CHECKPOINT_SCHEMA, state: 'FOLLOWING' });
  const refused = await verify([...uris(), '--repair']);
  assert.deepEqual([refused.code, /\[REPAIR_DURING_MIGRATION\]/.test(refused.stderr)], [2, true], refused.stderr);
  assert.equal((await verify(uris())).code, 0);
});

test('--follow compares what changes, and a signal ends it with the last result', async () => {
  await using linkspan = start([...uris(), '--follow']);
  await linkspan.waitForLine(/linkspan verify: equal: /, 30_000);
  await there().deleteOne({ _id: 8 });
  await linkspan.waitForLine(/linkspan verify: different: /, 30_000);
  linkspan.kill('SIGTERM');
  assert.deepEqual(await linkspan.exit, { code: 3, signal: null });
  assert.match(
    linkspan.stdout,
    /^ {2}shop\.orders _id \{"\$numberInt":"8"\}: missing \(changed on the destination only\)$/m,
  );
});
