import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON, Timestamp } from 'mongodb';
import { OplogKeys } from '../../../src/engine/capture/oplog-keys.ts';
import { SHARDS_NOT_SEARCHED, UnstreamedWatch } from '../../../src/engine/capture/unstreamed-watch.ts';
import { Changes } from '../../../src/engine/concurrency/changes.ts';
import { StandingClock } from '../standing-clock.ts';
import { unconnectedContext, unconnectedRouter } from '../unconnected-context.ts';

const at = (t: number) => new Timestamp({ t, i: 1 });

/** A watch from second 1 on, whose searches end with these results: writes, or undefined when the oplog does not reach back. */
function watched({
  found,
  results,
  source,
}: {
  readonly found?: () => void;
  readonly results: (OplogKeys | undefined)[];
  readonly source?: ReturnType<typeof unconnectedRouter>;
}) {
  const run = new AbortController();
  const clock = new StandingClock(1);
  const told: string[] = [];
  const context = { ...unconnectedContext(run.signal), ...(source && { source }), clock, changes: new Changes(clock) };
  Object.assign(context.retrier, { run: async () => results.shift() });
  const watch = new UnstreamedWatch(context, at(1), {
    found: async () => {
      told.push('found');
      found?.();
    },
    lost: async () => void told.push('lost'),
    hurried: () => true,
  });
  return { run, clock, watch, told };
}

test('a search goes on at the new position of a stream that was opened anew while its find was taken (stand-ins for its answers)', async () => {
  const writes = new OplogKeys();
  writes.take(Buffer.from(BSON.serialize({ op: 'i', ns: 'shop.items', o: { _id: 1 } })));
  // The oplog no longer reaches back to where the search was.
  const { run, clock, watch, told } = watched({ found: () => watch.goOnAt(at(900)), results: [writes, undefined] });
  watch.follow(at(2));
  const ended = watch.run();
  await clock.pass(0);
  assert.deepEqual([watch.time, watch.searchedTo], [at(900), at(900)]);
  assert.deepEqual(told, ['found'], 'a second loss would have everything compared again');
  run.abort();
  await ended;
});

test('routers, which show no oplog, are not searched: the watch says so, and declares no loss (stand-ins for their answers)', async () => {
  const { run, clock, watch, told } = watched({ source: unconnectedRouter(), results: [] });
  watch.follow(at(2));
  const ended = watch.run();
  await clock.pass(0);
  assert.deepEqual(told, []);
  assert.deepEqual(watch.time, at(2), 'nothing waits for a search');
  assert.equal(watch.warnings.length, 1);
  assert.ok(watch.warnings[0]?.includes(SHARDS_NOT_SEARCHED), watch.warnings[0]);
  run.abort();
  await ended;
});
