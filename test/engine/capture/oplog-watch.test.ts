import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timestamp } from 'mongodb';
import { OplogWatch } from '../../../src/engine/capture/oplog-watch.ts';
import type { ShardLook } from '../../../src/engine/capture/shard-figures.ts';
import { type ShardAnswer, shardsOf } from '../../../src/engine/mongodb/shard-clients.ts';
import { loggerTo } from '../../../src/platform/index.ts';
import { StandingClock } from '../standing-clock.ts';
import { unconnectedContext, unconnectedRouter } from '../unconnected-context.ts';

const LOOK_EVERY_MS = 10_000;
const server = { earliest: 0, latest: 10, bytes: 1, capacity: 100, keptSeconds: 0, written: 1, writes: 0, reads: 0 };
const seen = { shard: 'a', value: { server, pingMs: 1 } };
const unseen = (why: string) => ({ shard: 'a', unseen: { why, detail: `it says: ${why}` } });

/** A watch of a source whose one shard answers as `answer` says. */
function watched(answer: () => ShardAnswer<ShardLook>) {
  const run = new AbortController();
  const clock = new StandingClock(1);
  const lines: string[] = [];
  const source = unconnectedRouter();
  Object.assign(shardsOf(source), { ask: async () => [answer()] });
  const context = { ...unconnectedContext(run.signal), source, clock, logger: loggerTo((line) => lines.push(line)) };
  const watch = new OplogWatch(context, () => new Timestamp({ t: 10, i: 0 }));
  const reasons = () => lines.flatMap((line) => JSON.parse(line)).map(({ event, reason }) => `${event} ${reason}`);
  return { run, clock, watch, reasons };
}

test('a shard that does not show its oplog is logged once for each reason (stand-ins for its answers)', async () => {
  const answers = [unseen('silent'), unseen('silent'), unseen('refused'), seen, unseen('refused')];
  const { run, clock, watch, reasons } = watched(() => answers.shift() ?? seen);
  const ended = watch.watch();
  const pass = async (looks: number) => {
    for (let look = 0; look < looks; look += 1) await clock.pass(LOOK_EVERY_MS);
  };
  await pass(3);
  assert.deepEqual(watch.warnings, [], 'it answers again');
  await pass(2);
  const event = 'oplog.shard_unseen it says:';
  assert.deepEqual(reasons(), [`${event} silent`, `${event} refused`, `${event} refused`]);
  run.abort();
  await ended;
});

test('a shard whose connection closes with the run is not reported as one that does not answer (stand-ins for its answers)', async () => {
  const { run, clock, watch, reasons } = watched(() => {
    if (answered) run.abort();
    return answered ? unseen('the connection is closed') : seen;
  });
  let answered = false;
  const ended = watch.watch();
  await clock.pass(0);
  answered = true;
  clock.pass(LOOK_EVERY_MS).catch(() => undefined);
  await ended;
  assert.deepEqual([watch.shards?.map(({ whyUnknown }) => whyUnknown), watch.warnings, reasons()], [[null], [], []]);
});
