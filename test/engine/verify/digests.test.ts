import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type DigestHelper, RangeDigester, type RangeQuestion } from '../../../src/engine/index.ts';
import { onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

const HOST = 'helper-1';
const DOCUMENTS = 9_000;
const DOCUMENT_BYTES = 1_000;
const ALL_BYTES = DOCUMENTS * DOCUMENT_BYTES;

type Item = { _id: number; text: string };

/** A helper that reads the destination past the proxy that the engine has to take. */
class LocalHelper implements DigestHelper, AsyncDisposable {
  readonly host = HOST;
  readonly asked: RangeQuestion[] = [];
  readonly #digester: RangeDigester;
  /** Answers in its place, where it is set. */
  instead: DigestHelper['ask'] | undefined;

  constructor(destination: ReplicaSet) {
    const [member] = destination.members;
    this.#digester = new RangeDigester({ uri: `mongodb://127.0.0.1:${member?.port}/?directConnection=true` });
  }

  async ask(question: RangeQuestion, signal: AbortSignal) {
    this.asked.push(question);
    return await (this.instead?.(question, signal) ?? this.digest(question, signal));
  }

  digest(question: RangeQuestion, signal: AbortSignal) {
    return this.#digester.digest(question, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#digester[Symbol.asyncDispose]();
  }
}

test('the verification of a migration with a digest helper', async (t) => {
  await using source = await startReplicaSet();
  await using destination = await startReplicaSet({ proxied: true });
  const pair = { source, destination };
  const items = source.client.db('shop').collection<Item>('items');
  const copies = destination.client.db('shop').collection<Item>('items');
  const refill = async () => {
    await emptyPair(pair as never);
    const text = () => randomBytes(DOCUMENT_BYTES / 2 - 20).toString('hex');
    await items.insertMany(Array.from({ length: DOCUMENTS }, (_, _id) => ({ _id, text: text() })));
  };
  const crossed = () => destination.proxies.reduce((sum, { bytes }) => sum + bytes, 0);
  /** Runs a migration until it is verified. @returns the bytes that the destination's connections carried for that */
  const verified = async (running: RunningMigration) => {
    await running.untilReady();
    return crossed() - before;
  };
  // Compression begins where no reply is quick, as on a busy machine, and would halve these texts.
  const uncompressed = { destination: { uri: destination.uri, compression: 'off' } } as const;
  let before = 0;
  using _ = onFailpoint('engine.copy.indexed', () => {
    before = crossed();
  });

  // id: digests-spare-the-reading
  await t.test('moves almost none of the equal documents', async () => {
    await refill();
    await using helper = new LocalHelper(destination);
    await using running = RunningMigration.start(pair, { ...uncompressed, digests: helper });
    const bytes = await verified(running);
    assert.ok(bytes < ALL_BYTES / 20, `${bytes} of ${ALL_BYTES} bytes`);
    const { digests, documentsCompared } = running.progress.verification;
    const ranges = helper.asked.length;
    assert.ok(ranges > 1);
    const { lastWrite } = await destination.client.db('admin').command({ hello: 1 });
    for (const { readAfter } of helper.asked) assert.ok(Math.abs(readAfter.t - lastWrite.opTime.ts.t) < 60);
    assert.equal(documentsCompared, DOCUMENTS);
    assert.deepEqual(digests, { host: HOST, ranges, documents: DOCUMENTS, unanswered: null, alwaysRead: [] });
    await running.commit();
    const report = running.progress.cutoverReport?.verification;
    assert.equal(report?.result, 'EQUAL');
    assert.match(report?.claim ?? '', /Compared by digest at host helper-1: \d+ ranges, 9,000 documents\./);
    await expectIdentical(pair as never);
  });

  await t.test('moves them all without one', async () => {
    await refill();
    await using running = RunningMigration.start(pair, uncompressed);
    const bytes = await verified(running);
    assert.ok(bytes > ALL_BYTES * 0.9, `${bytes} of ${ALL_BYTES} bytes`);
    assert.equal(running.progress.verification.digests, undefined);
  });

  // id: digests-find-differences
  await t.test('finds and repairs what differs, and reads only the ranges around it', async () => {
    await refill();
    using planted = onceAt('engine.copy.indexed', async () => {
      before = crossed();
      await copies.updateOne({ _id: 17 }, { $set: { text: 'other' } });
      await copies.deleteOne({ _id: 18 });
      await copies.insertOne({ _id: 18.5, text: 'extra' });
      await copies.insertOne({ _id: DOCUMENTS + 1, text: 'behind the last one' });
    });
    await using helper = new LocalHelper(destination);
    await using running = RunningMigration.start(pair, { ...uncompressed, digests: helper, expectsMismatches: true });
    const bytes = await verified(running);
    assert.ok(planted.result !== undefined);
    assert.ok(bytes < (ALL_BYTES * 2) / 3, `${bytes} of ${ALL_BYTES} bytes`);
    const { mismatches, digests } = running.progress.verification;
    assert.deepEqual(mismatches.latest.map(({ key, class: kind }) => [key, kind]).toSorted(), [
      ['{"$numberDouble":"18.5"}', 'EXTRA'],
      ['{"$numberInt":"17"}', 'DIFFERENT'],
      ['{"$numberInt":"18"}', 'MISSING'],
      ['{"$numberInt":"9001"}', 'EXTRA'],
    ]);
    assert.equal(mismatches.open, 0);
    assert.ok(digests !== undefined && digests.documents > 0 && digests.documents < DOCUMENTS);
    await running.commit();
    await expectIdentical(pair as never);
  });

  await t.test('leaves a difference where it only reports', async () => {
    await refill();
    using _planted = onceAt('engine.copy.indexed', () => copies.updateOne({ _id: 17 }, { $set: { text: 'other' } }));
    await using helper = new LocalHelper(destination);
    const options = { ...uncompressed, digests: helper, expectsMismatches: true, verification: 'REPORT' } as const;
    await using running = RunningMigration.start(pair, options);
    await running.until('the difference', ({ verification: { mismatches, phase } }) => {
      return mismatches.open === 1 && phase === 'FOLLOWING';
    });
    assert.equal(running.progress.readyForCutover, false);
  });

  type Answer = Awaited<ReturnType<DigestHelper['ask']>>;
  const faults: readonly (readonly [string, (right: Answer) => Promise<Answer>, RegExp | null])[] = [
    ['that fails', () => Promise.reject(new Error('no route to it')), /no route to it/],
    ['that answers for other documents', async (right) => ({ ...right, digest: '0'.repeat(64) }), null],
    ['that answers with another count', async (right) => ({ ...right, documents: 0 }), null],
  ];
  for (const [what, fault, why] of faults)
    await t.test(`reads the documents with a helper ${what}`, async () => {
      await refill();
      await using helper = new LocalHelper(destination);
      helper.instead = async (question, signal) => fault(await helper.digest(question, signal));
      await using running = RunningMigration.start(pair, { ...uncompressed, digests: helper });
      assert.ok((await verified(running)) > ALL_BYTES * 0.9);
      const { digests } = running.progress.verification;
      assert.deepEqual([digests?.ranges, digests?.documents], [0, 0]);
      if (why === null) assert.equal(digests?.unanswered, null);
      else assert.match(digests?.unanswered ?? '', why);
      await running.commit();
      await expectIdentical(pair as never);
    });

  // id: silent-digest-helper
  await t.test('reads the documents when a helper is silent, and asks it less and less', async () => {
    await refill();
    await using helper = new LocalHelper(destination);
    const askedAtMs: number[] = [];
    helper.instead = () => {
      askedAtMs.push(performance.now());
      return new Promise(() => undefined);
    };
    // Only the wait for the helper has a timeout of 30 s.
    const timeout = (ms: number) =>
      ms === 30_000 ? AbortSignal.abort(new Error('no answer')) : systemClock.timeout(ms);
    await using running = RunningMigration.start(pair, {
      ...uncompressed,
      digests: helper,
      clock: { ...systemClock, timeout },
    });
    assert.ok((await verified(running)) > ALL_BYTES * 0.9);
    assert.match(running.progress.verification.digests?.unanswered ?? '', /no answer/);
    const pauses = askedAtMs.slice(1).map((atMs, n) => atMs - (askedAtMs[n] ?? 0));
    for (const [n, pauseMs] of pauses.entries()) assert.ok(pauseMs > 900 * 2 ** n, `${pauses}`);
    assert.ok(askedAtMs.length > 0);
  });

  await t.test('answers for no other cluster, and for no data of the server itself', async () => {
    await refill();
    await using helper = new LocalHelper(destination);
    const { asked } = helper;
    helper.instead = async (question, signal) => {
      helper.instead = undefined;
      return await helper.ask({ ...question, clusterId: '0'.repeat(24) }, signal);
    };
    await using running = RunningMigration.start(pair, { ...uncompressed, digests: helper });
    await running.until('the refusal', ({ verification }) => {
      return typeof verification.digests?.unanswered === 'string';
    });
    assert.match(running.progress.verification.digests?.unanswered ?? '', /it reads another cluster/);
    const ofServer = { ...(asked[0] as RangeQuestion), database: 'admin', collection: 'system.version' };
    await assert.rejects(helper.ask(ofServer, AbortSignal.timeout(10_000)), /no data of the server itself/);
  });

  // id: digests-under-writes
  await t.test('takes no write during the verification for a difference', async () => {
    await refill();
    await using helper = new LocalHelper(destination);
    const stop = new AbortController();
    const write = async () => {
      for (let n = 0; !stop.signal.aborted; n += 1)
        await items.updateOne({ _id: (n * 37) % DOCUMENTS }, { $set: { text: `changed ${n}` } });
    };
    await using running = RunningMigration.start(pair, { ...uncompressed, digests: helper });
    const writing = write();
    await running.until('a comparison', ({ verification }) => verification.phase === 'FOLLOWING');
    stop.abort();
    await writing;
    await running.commit();
    await expectIdentical(pair as never);
  });

  const skip = needsSource('6.0', 'time series are not followed');
  await t.test('always reads capped collections and time series, and names them', { skip }, async () => {
    await refill();
    const shop = source.client.db('shop');
    const log = await shop.createCollection('log', { capped: true, size: 100_000 });
    await log.insertMany([{ n: 1 }, { n: 2 }]);
    const measured = await shop.createCollection('measured', { timeseries: { timeField: 'at' } });
    await measured.insertOne({ at: new Date(0), value: 1 });
    await using helper = new LocalHelper(destination);
    await using running = RunningMigration.start(pair, { ...uncompressed, digests: helper });
    await running.untilReady();
    assert.deepEqual([...new Set(helper.asked.map(({ collection }) => collection))], ['items']);
    assert.deepEqual(running.progress.verification.digests?.alwaysRead.toSorted(), [
      'shop.log',
      'shop.system.buckets.measured',
    ]);
    await running.commit();
    await expectIdentical(pair as never);
  });
});
