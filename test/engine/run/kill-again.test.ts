import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Db, MongoClient } from 'mongodb';
import { EngineLives } from '../../campaign/engine-lives.ts';
import { RoundLog } from '../../campaign/round-log.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import { expectHookReached, runLinkspan } from '../../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { ELSEWHERE, OF_CUTOVER, OF_REVERSE, UNTIL_CUTOVER, VARIABLE } from '../kill-points.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'its catalog changes meanwhile, and it has no write block');

/** How many engines are killed at each point in a row; `npm run test:kills` kills two. A campaign draws from all points. */
const KILLS = Number(process.env.LINKSPAN_TEST_KILLS ?? 1);
const hooksAt = (points: readonly string[]) =>
  points.flatMap((point) => Array(KILLS).fill(`${point}=kill`) as string[]);

// id: killed-while-destination-changes
test('a migration whose destination another client changes, killed at each durable step, in a row, ends identical, and so does its cleanup', {
  skip,
}, async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  await fill(shop);
  const log = new RoundLog(false);
  const before = hooksAt(UNTIL_CUTOVER);
  const hooks = [...before, ...hooksAt(OF_CUTOVER)];
  await using writer = await startLedgerWriter({
    clients: [pair.source.client],
    namespaces: ['shop.a', 'shop.b'],
    seed: 8,
    // Enough for each life to find changes. More would only be copied and applied again in each of them.
    ratePerSecond: 20,
  });
  const addresses = { source: pair.source.uri, destination: pair.destination.uri };
  await using engine = new EngineLives(addresses, { hooks, catalogStandsStill: false }, log);
  const stop = new AbortController();
  const swapping = swapNames(shop, stop.signal);
  swapping.catch(() => undefined); // Awaited below, unless the test has failed before.
  const end = engine.run();
  let planted = 0;
  for (const [nth, hook] of before.entries()) {
    await makeReachable(pair, hook, nth % KILLS);
    const killed = () => engine.hooksLeft.length < hooks.length - nth - 1;
    await eventually(killed, { what: hook, deadlineMs: 120_000 });
    planted += await plantDifference(pair.destination.client.db('shop'), nth);
  }
  assert.ok(planted > before.length / 2, `${planted} differences were planted`);
  // Stops the writes: a blocked writer would keep the machine busy.
  stop.abort();
  await swapping;
  await writer.stop();
  engine.wantCutover();
  assert.equal(await end, 'committed', log.findings.join('\n'));
  assert.deepEqual([engine.unreached, log.findings.filter((text) => !isOfPlanted(text))], [[], []]);
  await expectIdentical(pair);

  const internal = pair.destination.client.db('linkspan_internal');
  const migration = String((await internal.collection('migrations').findOne())?._id);
  const arguments_ = ['cleanup', '--destination', pair.destination.uri, '--migration', migration];
  for (const hook of ['engine.cleanup.taken=kill', 'engine.cleanup.unblocked=kill']) {
    await using killed = runLinkspan(arguments_, { hook });
    await expectHookReached(killed);
  }
  await using cleaned = runLinkspan(arguments_);
  assert.deepEqual(await cleaned.exit, { code: 0, signal: null }, cleaned.stderr);
  await expectIdentical(pair);
});

// id: killed-copy-resumes
test('a killed copy resumes at the last acknowledged key', async () => {
  await using pair = await startPair();
  const documents = 3_000;
  await insert(pair.source.client.db('shop'), 'items', documents, 8_000);
  await using proxy = await startFaultProxy((await pair.destination.primary()).port);
  // A batch takes about a second, the interval at which the engine records progress.
  proxy.set({ bytesPerSecond: 4_000_000 });
  const destination = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true&compressors=none`;
  const arguments_ = ['sync', '--once', '--no-verify', '--cluster0', pair.source.uri, '--cluster1', destination];
  await using killed = runLinkspan(arguments_, { hook: 'engine.copy.progress-saved@2=kill' });
  await expectHookReached(killed);
  const partitions = pair.destination.client.db('linkspan_internal').collection('partitions');
  const saved = (await partitions.find().toArray()).reduce((sum, { documents }) => sum + documents, 0);
  assert.ok(saved > 0 && saved < documents, `${saved} of ${documents} were on record`);

  proxy.set({});
  const before = await documentsReturned(pair.source.client);
  await using again = runLinkspan(arguments_);
  assert.deepEqual(await again.exit, { code: 0, signal: null }, again.stderr);
  const read = (await documentsReturned(pair.source.client)) - before;
  // The rest are documents of the catalog.
  assert.ok(read < documents - saved + 100, `${read} documents were read, ${documents - saved} were left`);
  await expectIdentical(pair);
});

test('every named point of the engine is one where a test kills it', () => {
  const root = resolve(import.meta.dirname, '../../..');
  // Comparisons and probes are outside of a migration, and are killed by tests of their own.
  const ofMigration = (file: string) => !file.includes('/compare-clusters/') && !file.includes('/probe/');
  const files = globSync('src/engine/**/*.ts', { cwd: root }).filter(ofMigration);
  const sources = files.map((file) => readFileSync(resolve(root, file), 'utf8'));
  const inSources = sources
    .flatMap((text) => [...text.matchAll(/\bfailpoint\(['`]([^'`]+)['`]\)/g)].map(([, name = '']) => name))
    .flatMap((name) => {
      const [fixed = '', variable] = name.split(/(?=\$\{)/);
      return variable === undefined ? [name] : (VARIABLE[fixed] ?? [variable]).map((part) => `${fixed}${part}`);
    });
  const killed = [...UNTIL_CUTOVER, ...OF_CUTOVER, ...OF_REVERSE].map((point) => point.replace(/@\d+$/, ''));
  assert.deepEqual(
    inSources.filter((name) => !killed.includes(name) && !(name in ELSEWHERE)),
    [],
  );
  assert.deepEqual(
    Object.keys(ELSEWHERE).filter((name) => !inSources.includes(name)),
    [],
  );
  for (const [name, file] of Object.entries(ELSEWHERE)) {
    assert.ok(readFileSync(resolve(root, 'test/engine', file), 'utf8').includes(`'${name}`), `${file} has ${name}`);
  }
});

async function fill(db: Db): Promise<void> {
  for (const name of ['a', 'b', 'c']) {
    await insert(db, name, 500, 500);
    await db.collection(name).createIndex({ n: 1, _id: 1 }, { unique: true });
    await db.collection(name).createIndex({ expiresAt: 1 }, { expireAfterSeconds: 1_000_000 });
  }
  // More collections than the engine creates at a time.
  for (let n = 0; n < 24; n += 1) await db.createCollection(`empty ${n}`);
  await db.createCollection('view', { viewOn: 'a', pipeline: [] });
  for (const nth of [0, 1]) {
    await insert(db, `passing ${nth}`, 10, 10);
    await db.createCollection(`passing view ${nth}`, { viewOn: 'a', pipeline: [] });
    await passingDatabase(db, nth).createCollection('view', { viewOn: 'a', pipeline: [] });
    await db.collection('c').createIndex({ n: 1, passing: nth + 1 });
  }
}

/** Changes a document on the destination behind the migration's back, once the collection is there. @returns 1 if it did */
async function plantDifference(db: Db, nth: number): Promise<number> {
  const { modifiedCount } = await db.collection('c').updateOne({ n: nth }, { $set: { planted: nth } });
  return modifiedCount;
}

/** Whether a finding tells only of planted differences that the verification found. */
function isOfPlanted(finding: string): boolean {
  const [, found] = /^the verification found (.*)$/s.exec(finding) ?? [];
  return found !== undefined && (JSON.parse(found) as { path: string }[]).every(({ path }) => path === 'planted');
}

/**
 * A database that only has views. The engine removes their records before it drops the database. A run that is killed in
 * between leaves the database behind, so the next run needs another one.
 */
function passingDatabase(db: Db, nth: number): Db {
  return db.client.db(`passing-${nth}`);
}

/** Drops on the source, once it is migrated, what the run must drop on the destination when the test kills it. */
async function makeReachable({ source, destination }: ReplicaSetPair, hook: string, nth: number): Promise<void> {
  const db = source.client.db('shop');
  const removals: Readonly<Record<string, () => Promise<unknown>>> = {
    'engine.change.dropIndexes=kill': () => db.collection('c').dropIndex(`n_1_passing_${nth + 1}`),
    'engine.change.drop@3=kill': () => db.collection(`passing ${nth}`).drop(),
    'engine.write.delete.views=kill': () => db.collection(`passing view ${nth}`).drop(),
    'engine.change.dropDatabase=kill': () => passingDatabase(db, nth).dropDatabase(),
  };
  const remove = removals[hook];
  if (remove === undefined) return;
  const copied = destination.client.db('linkspan_internal').collection('collections');
  const allLive = async () => {
    const states = await copied.distinct('state');
    return states.length === 1 && states[0] === 'live';
  };
  await eventually(allLive, { what: 'everything that the source drops then', deadlineMs: 120_000 });
  await remove();
}

async function insert(db: Db, name: string, count: number, bytes: number): Promise<void> {
  const text = 'x'.repeat(bytes);
  await db.collection(name).insertMany(numbered(count, { name, text }));
}

/** Swaps the names of two collections again and again, so that each run finds something to rename. */
async function swapNames(db: Db, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await db.collection('empty 0').rename('between');
    await db.collection('empty 1').rename('empty 0');
    await db.collection('between').rename('empty 1');
    await delay(1_000);
  }
}

async function documentsReturned(client: MongoClient): Promise<number> {
  return Number((await client.db('admin').command({ serverStatus: 1 })).metrics.document.returned);
}
