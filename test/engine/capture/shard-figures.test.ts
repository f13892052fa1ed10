import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MongoClient, Timestamp } from 'mongodb';
import type { Shard } from '../../../src/contract/index.ts';
import { lowestHeadroom } from '../../../src/engine/capture/oplog-gauge.ts';
import { lookAtShard, ShardMeter } from '../../../src/engine/capture/shard-figures.ts';
import { describeUnseen } from '../../../src/engine/mongodb/shard-clients.ts';
import { systemClock } from '../../../src/platform/index.ts';

const server = {
  earliest: 0,
  latest: 1_000,
  bytes: 1_000,
  capacity: 1_000,
  keptSeconds: 0,
  written: 5_000,
  writes: 100,
  reads: 50,
};
const at = (seconds: number) => ({ elapsedMs: seconds * 1_000, wallMs: seconds * 1_000 });
const seen = (changes: Partial<typeof server>) => ({
  shard: 'a',
  value: { server: { ...server, ...changes }, pingMs: 1.26 },
});
/** A call, because the compiler takes a getter's value for the same after an assertion. */
const of = (meter: ShardMeter): Shard => meter.figures;
const unseen = { shard: 'a', unseen: { why: 'it does not answer', detail: 'connect ECONNREFUSED' } };

test("a shard's rates are those of the last minute, and unknown before a second look, after a restart, and while it does not answer", () => {
  const meter = new ShardMeter('a');
  assert.deepEqual(of(meter), { shard: 'a', whyUnknown: null, oplog: null, rates: null, pingMs: null });
  meter.take(seen({}), 1_000, at(0));
  assert.equal(of(meter).rates, null);
  assert.equal(of(meter).pingMs, 1.3);
  meter.take(seen({ writes: 300, reads: 60, written: 7_000 }), 1_000, at(10));
  const first = { writesPerSecond: 20, readsPerSecond: 1, oplogBytesPerSecond: 200 };
  assert.deepEqual(of(meter).rates, first);
  // The busy seconds are more than a minute ago.
  meter.take(seen({ writes: 300, reads: 60, written: 7_000 }), 1_000, at(71));
  assert.equal(of(meter).rates, null);
  meter.take(seen({ writes: 310, reads: 60, written: 7_000 }), 1_000, at(81));
  assert.equal(of(meter).rates?.writesPerSecond, 1);

  meter.take(unseen, 1_000, at(91));
  assert.deepEqual(of(meter), {
    shard: 'a',
    whyUnknown: 'it does not answer',
    oplog: null,
    rates: null,
    pingMs: null,
  });
  meter.take(seen({ writes: 3, reads: 1, written: 10 }), 1_000, at(101));
  assert.deepEqual([of(meter).whyUnknown, of(meter).rates], [null, null]);
  meter.take(seen({ writes: 13, reads: 1, written: 10 }), 1_000, at(111));
  assert.equal(of(meter).rates?.writesPerSecond, 1);
});

test('a shard whose oplog has little headroom is warned of by name, and one that idles behind the stream has all of it', () => {
  const meter = new ShardMeter('a');
  meter.take(seen({ keptSeconds: 100 }), 2_000, at(0));
  assert.equal(of(meter).oplog?.headroomPercent, 100);
  assert.equal(meter.oplog.warning, undefined);
  meter.take(seen({}), 100, at(10));
  assert.match(
    meter.oplog.warning ?? '',
    /^Less than 50 % of the oplog of the shard a is left since 1970-01-01T00:00:10/,
  );
  meter.take(unseen, 100, at(20));
  assert.equal(meter.oplog.warning, undefined);
});

test('the oplogs of all shards have what the one with the least has, and nothing is said while one is unknown', () => {
  const oplog = (windowSeconds: number, leftSeconds: number, headroomPercent: number) => ({
    windowSeconds,
    leftSeconds,
    headroomPercent,
  });
  const a = { shard: 'a', oplog: oplog(500, 400, 40) };
  const b = { shard: 'b', oplog: oplog(900, 100, 90) };
  assert.deepEqual(lowestHeadroom([a, b]), { ...oplog(500, 100, 40), shard: 'b' });
  assert.deepEqual(lowestHeadroom([b, a]), lowestHeadroom([a, b]));
  assert.equal(lowestHeadroom([a, { shard: 'c', oplog: null }, b]), null);
  assert.equal(lowestHeadroom([]), null);
});

test('shards that do not answer are named together with their reason', () => {
  const shards = [
    { shard: 'a', whyUnknown: null },
    { shard: 'b', whyUnknown: 'x' },
    { shard: 'c', whyUnknown: 'y' },
    { shard: 'd', whyUnknown: 'x' },
  ];
  assert.equal(describeUnseen(shards), 'b, d (x); c (y)');
  assert.equal(describeUnseen(shards.slice(0, 1)), undefined);
});

test("a shard's answer time is that of a ping, without that of its statistics (a stand-in for the shard)", async () => {
  let elapsedMs = 0;
  const time = new Timestamp({ t: 1, i: 0 });
  const storageStats = { size: 1, maxSize: 1, wiredTiger: { cursor: { 'insert key and value bytes': 1 } } };
  const command = async (sent: object) => {
    await Promise.resolve();
    elapsedMs += 'ping' in sent ? 7 : 100;
    return {
      oplog: { earliestOptime: time, latestOptime: time },
      opcounters: { insert: 0, update: 0, delete: 0, query: 0, getmore: 0 },
      cursor: { firstBatch: [{ storageStats }] },
    };
  };
  const shard = { db: () => ({ command }) } as unknown as MongoClient;
  assert.equal((await lookAtShard(shard, { ...systemClock, elapsed: () => elapsedMs })).pingMs, 7);
});
