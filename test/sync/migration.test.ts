import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Progress } from '../../src/contract/index.ts';
import { onFailpoint, silentLogger } from '../../src/platform/index.ts';
import { openSyncApi } from '../../src/sync/api.ts';
import { SyncSession } from '../../src/sync/session.ts';
import type { SessionOptions } from '../../src/sync/session-options.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { type ReplicaSetPair, startPair, startStandalone } from '../support/replica-set.ts';
import { emptyPair } from '../support/seeds.ts';

checkForLeaks({ sockets: false });

const DEADLINE_MS = 30_000;
const START = { source: 'cluster0', destination: 'cluster1' };

type Verification = Progress['verification'];

/** `linkspan.verification` of `/progress`. */
interface ShownVerification extends Omit<Verification, 'mismatches'> {
  readonly mismatches: {
    readonly found: number;
    readonly open: number;
    readonly latest: readonly Record<string, unknown>[];
  };
}

interface Answer {
  readonly status: number;
  // The tests check the shape of each answer.
  readonly body: { success?: boolean; error?: string; errorDescription?: string; progress?: Record<string, unknown> };
}

/** A client of mongosync's API over HTTP, for a session between two URIs. */
async function openApi(cluster0: string, cluster1: string, options: Partial<SessionOptions> = {}) {
  const uris = { cluster0, cluster1 };
  const session = new SyncSession({ uris, once: false, logger: silentLogger, ...options });
  const api = await openSyncApi(session, 0);
  const call = async (name: string, body?: object): Promise<Answer> => {
    // Content type of curl --data.
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const request = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(`${api.url}/${name}`, request);
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  };
  const until = (what: string, holds: (progress: Record<string, unknown>) => boolean) =>
    eventually(
      async () => {
        const { progress = {} } = (await call('progress')).body;
        return holds(progress) ? progress : undefined;
      },
      { what },
    );
  const close = async () => {
    await session.stop();
    await api.close();
  };
  return { session, call, until, [Symbol.asyncDispose]: close };
}

async function fill({ source }: ReplicaSetPair): Promise<void> {
  const documents = Array.from({ length: 2_000 }, (_, index) => ({ _id: index, text: `document ${index}` }));
  const collection = source.client.db('shop').collection<{ _id: number; text: string }>('orders');
  await collection.insertMany(documents);
  await collection.createIndex({ text: 1 }, { unique: true });
}

test('a script written for mongosync migrates: start, progress, pause, resume, commit', async () => {
  await using pair = await startPair();
  await fill(pair);
  await using api = await openApi(pair.source.uri, pair.destination.uri);

  assert.deepEqual(await api.call('start', { ...START, verification: { enabled: false } }), {
    status: 200,
    body: { success: true },
  });
  assert.equal((await api.call('start', START)).body.error, 'WrongState');
  const ready = await api.until('canCommit', ({ canCommit }) => canCommit === true);
  assert.equal(ready.state, 'RUNNING');
  assert.equal((await api.call('cutoverReport')).body.error, 'WrongState');
  assert.equal(ready.info, 'change event application');
  assert.equal(ready.canWrite, false);
  assert.equal(typeof ready.lagTimeSeconds, 'number');
  assert.deepEqual(ready.lag, {
    overallLagSeconds: ready.lagTimeSeconds,
    crudLagSeconds: ready.lagTimeSeconds,
    ddlLagSeconds: null,
  });
  assert.match(
    String(ready.estimatedOplogTimeRemaining),
    /^(less than 15|\d+) minutes$|^(\d+|more than 72) hours$|^1 hour$/,
  );
  assert.equal(ready.verification, null);
  assert.match(String(ready.warnings), /not verified: verification is switched off/);
  const mapping = ready.directionMapping as Record<string, string>;
  assert.deepEqual(Object.keys(mapping), ['Source', 'Destination']);
  assert.equal(mapping.Source, `cluster0: ${new URL(pair.source.uri).host}`);
  const copy = ready.collectionCopy as Record<string, number>;
  assert.ok((copy.estimatedTotalBytes ?? 0) > 1);
  assert.equal(copy.estimatedCopiedBytes, copy.estimatedTotalBytes);

  const listed = (await api.call('collections')).body as Record<string, unknown>;
  const [{ documentsCopied, ...first } = {}] = listed.results as Record<string, unknown>[];
  assert.deepEqual(
    [listed.totalCount, documentsCopied, first.namespace, first.state],
    [1, 2_000, 'shop.orders', 'DONE'],
  );
  assert.equal(((await api.call('collections?namespace=other')).body as Record<string, unknown>).totalCount, 0);
  const measured = await api.until('time shares', ({ linkspan }) => Object(linkspan).timeShares !== undefined);
  const { seconds, ...shares } = Object(measured.linkspan).timeShares as Record<string, number>;
  assert.ok((seconds ?? 0) >= 2, String(seconds));
  const sum = Object.values(shares).reduce((total, share) => total + share, 0);
  assert.ok(Math.abs(sum - 1) < 1e-9, JSON.stringify(shares));

  // Callers must not depend on whether a pause has taken effect yet.
  assert.deepEqual((await api.call('pause', {})).body, { success: true });
  assert.equal((await api.call('commit', {})).body.error, 'WrongState');
  assert.deepEqual((await api.call('resume', {})).body, { success: true });
  await api.until('canCommit after both', ({ canCommit }) => canCommit === true);

  assert.deepEqual((await api.call('pause', {})).body, { success: true });
  const paused = await api.until('PAUSED', ({ state }) => state === 'PAUSED');
  assert.deepEqual([paused.lagTimeSeconds, paused.lag, paused.canCommit], [null, null, false]);
  assert.equal((await api.call('pause', {})).body.error, 'WrongState');
  assert.equal((await api.call('commit', {})).status, 409);
  await pair.source.client.db('shop').collection<{ _id: number }>('orders').deleteOne({ _id: 3 });
  assert.deepEqual((await api.call('resume', {})).body, { success: true });
  await api.until('canCommit again', ({ canCommit }) => canCommit === true);

  assert.deepEqual((await api.call('commit', {})).body, { success: true });
  const done = await api.until('COMMITTED', ({ state }) => state === 'COMMITTED');
  assert.deepEqual([done.canWrite, done.canCommit, done.info], [true, false, 'commit completed']);
  assert.equal((await api.call('commit', {})).body.error, 'WrongState');
  assert.equal(await api.session.finished, 'COMMITTED');
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, 1_999);
});

test('a stopped process resumes at the next start, also in the other direction', async () => {
  await using pair = await startPair();
  await fill(pair);
  const reversed = { source: 'cluster1', destination: 'cluster0' };
  {
    await using first = await openApi(pair.destination.uri, pair.source.uri);
    await first.call('start', reversed);
    await first.until('canCommit', ({ canCommit }) => canCommit === true);
    await first.session.stop();
    assert.equal(await first.session.finished, 'STOPPED');
  }
  await pair.source.client.db('shop').collection<{ _id: number }>('orders').insertOne({ _id: 9_999 });
  await using second = await openApi(pair.destination.uri, pair.source.uri);
  assert.deepEqual((await second.call('start', reversed)).body, { success: true });
  await second.until('canCommit', ({ canCommit }) => canCommit === true);
  await second.call('commit', {});
  await second.until('COMMITTED', ({ state }) => state === 'COMMITTED');
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, 2_001);
});

describe('a migration that is not committed', () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());

  test("the progress has mongosync's fields of a verification, and all of Linkspan's", async () => {
    await emptyPair(pair);
    await fill(pair);
    await using api = await openApi(pair.source.uri, pair.destination.uri);
    using _ = onFailpoint('engine.copy.indexed', async () => {
      await pair.destination.client.db('shop').collection<{ _id: number }>('orders').deleteOne({ _id: 7 });
    });
    await api.call('start', START);
    const ready = await api.until('canCommit', ({ canCommit }) => canCommit === true);
    const side = {
      phase: 'stream hashing',
      estimatedDocumentCount: 2_000,
      hashedDocumentCount: 2_000,
      scannedCollectionCount: 1,
      totalCollectionCount: 1,
      lagTimeSeconds: ready.lagTimeSeconds,
    };
    assert.deepEqual(ready.verification, { source: side, destination: side });
    assert.doesNotMatch(String(ready.warnings), /not verified/);
    const { verification } = ready.linkspan as { verification: ShownVerification };
    const { mode, phase, collectionsDone, documentsCompared, catalogDifferences, mismatches, ...proof } = verification;
    const { equalAt, catalogDifferencesFound, seesExternalWrites, cappedCollections } = proof;
    assert.deepEqual(
      { mode, phase, collectionsDone, documentsCompared, catalogDifferences },
      { mode: 'REPAIR', phase: 'FOLLOWING', collectionsDone: 1, documentsCompared: 2_000, catalogDifferences: [] },
    );
    const [{ namespace, key, class: kind, path, firstSeen, open } = {}] = mismatches.latest;
    assert.deepEqual(
      { namespace, key, kind, path, open },
      { namespace: 'shop.orders', key: '{"$numberInt":"7"}', kind: 'MISSING', path: null, open: false },
    );
    assert.deepEqual([catalogDifferencesFound, seesExternalWrites, cappedCollections], [0, true, 0]);
    assert.ok(Math.abs(Date.parse(equalAt ?? '') - Date.now()) < DEADLINE_MS, String(equalAt));
    assert.match(String(firstSeen), /^2\d{3}-\d\d-\d\dT/);
    assert.deepEqual([mismatches.found, mismatches.open], [1, 0]);
    await api.call('pause', {});
    const paused = await api.until('PAUSED', ({ state }) => state === 'PAUSED');
    assert.equal((paused.verification as { source: Record<string, unknown> }).source.lagTimeSeconds, null);
  });

  test('a start decides whether to verify, and the setting of the process decides how', async () => {
    await emptyPair(pair);
    for (const [verification, body, mode] of [
      ['REPORT', {}, 'REPORT'],
      ['REPORT', { verification: { enabled: true } }, 'REPORT'],
      ['OFF', {}, 'OFF'],
      ['OFF', { verification: {} }, 'OFF'],
      ['OFF', { verification: { enabled: true } }, 'REPAIR'],
      ['REPAIR', { verification: { enabled: false } }, 'OFF'],
    ] as const) {
      await using api = await openApi(pair.source.uri, pair.destination.uri, { verification });
      assert.deepEqual((await api.call('start', { ...START, ...body })).body, { success: true });
      assert.equal(api.session.progress()?.verification.mode, mode, `${verification} ${JSON.stringify(body)}`);
    }
  });

  test('an impossible start is refused with all reasons, changes nothing, and can be repeated', async () => {
    await emptyPair(pair);
    await using standalone = await startStandalone();
    await pair.destination.client.db('here').collection('already').insertOne({});
    await using full = await openApi(pair.source.uri, pair.destination.uri);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const { status, body } = await full.call('start', START);
      assert.deepEqual([status, body.success, body.error], [400, false, 'PreflightFailed']);
      assert.match(body.errorDescription ?? '', /not empty: it has the database here.*\[DESTINATION_NOT_EMPTY\]/);
    }
    assert.equal(full.session.state, 'IDLE');
    await pair.destination.client.db('here').dropDatabase();
    assert.deepEqual((await full.call('start', START)).body, { success: true });

    await using alone = await openApi(standalone.uri, pair.destination.uri);
    assert.match((await alone.call('start', START)).body.errorDescription ?? '', /\[STANDALONE_SERVER\]/);
  });
});

test('a load level of the start applies to the copy', async () => {
  await using pair = await startPair();
  for (const name of ['a', 'b', 'c', 'd']) await pair.source.client.db('shop').collection(name).insertOne({ n: 1 });
  let [copying, most] = [0, 0];
  using _ = onFailpoint('engine.copy.batch-acknowledged', async () => {
    copying += 1;
    most = Math.max(most, copying);
    await new Promise(setImmediate);
    await pair.source.client.db('admin').command({ ping: 1 });
    copying -= 1;
  });
  const uris = { cluster0: pair.source.uri, cluster1: pair.destination.uri };
  const session = new SyncSession({ uris, once: true, load: { loadLevel: 1 }, logger: silentLogger });
  await session.start({ source: 'cluster0', destination: 'cluster1' });
  assert.equal(await session.finished, 'COMMITTED');
  assert.equal(most, 1);
});

test('filters and remap of /start migrate only the selected namespaces, under their new names', async () => {
  await using pair = await startPair();
  await fill(pair);
  await pair.source.client.db('other').collection('things').insertOne({ n: 1 });
  await using api = await openApi(pair.source.uri, pair.destination.uri);
  const filters = { includeNamespaces: [{ databaseRegex: { pattern: '^SH', options: 'i' }, collections: ['orders'] }] };
  const to = (database: string) => ({ namespaceRemap: [{ from: { database: 'shop' }, to: { database } }] });
  const misspelt = { includeNamespaces: [{ database: 'shop', collections: ['orders', 'order'] }] };
  const typo = await api.call('start', { ...START, ...misspelt });
  assert.match(typo.body.errorDescription ?? '', /includeNamespaces names `shop\.order`.*\[FILTER_MATCHES_NOTHING\]/);
  const refused = await api.call('start', { ...START, ...filters, ...to('config') });
  assert.match(refused.body.errorDescription ?? '', /\[INVALID_REMAP\]/);
  assert.deepEqual((await api.call('start', { ...START, ...filters, ...to('store') })).body, { success: true });
  await api.until('canCommit', ({ canCommit }) => canCommit === true);
  assert.deepEqual((await api.call('commit', {})).body, { success: true });
  await api.until('COMMITTED', ({ state }) => state === 'COMMITTED');
  assert.equal(await pair.destination.client.db('store').collection('orders').countDocuments(), 2_000);
  assert.equal(await pair.destination.client.db('other').collection('things').countDocuments(), 0);
});

test("preExistingDestinationData keeps the destination's data, and parts of the source can follow one after the other", async () => {
  await using pair = await startPair();
  await fill(pair);
  await pair.source.client.db('crm').collection('contacts').insertOne({ n: 1 });
  await pair.destination.client.db('here').collection('already').insertOne({});
  for (const database of ['shop', 'crm']) {
    await using api = await openApi(pair.source.uri, pair.destination.uri);
    const part = { preExistingDestinationData: true, includeNamespaces: [{ database }] };
    assert.deepEqual((await api.call('start', { ...START, ...part })).body, { success: true });
    const ready = await api.until('canCommit', ({ canCommit }) => canCommit === true);
    assert.match(String(ready.warnings), /The destination keeps its data/);
    await api.call('commit', {});
    await api.until('COMMITTED', ({ state }) => state === 'COMMITTED');
  }
  for (const [database, name] of [
    ['shop', 'orders'],
    ['crm', 'contacts'],
    ['here', 'already'],
  ] as const) {
    assert.ok((await pair.destination.client.db(database).collection(name).countDocuments()) > 0, database);
  }
});
