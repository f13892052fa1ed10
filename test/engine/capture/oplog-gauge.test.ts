import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OplogGauge, type OplogLook } from '../../../src/engine/capture/oplog-gauge.ts';

const full: OplogLook = { earliest: 0, latest: 1_000, bytes: 1_000, capacity: 1_000, keptSeconds: 0, written: 5_000 };

test('the rest of an oplog depends on how much was written, not how long ago', () => {
  const gauge = new OplogGauge();
  const at = (changed: Partial<OplogLook>, safe: number) =>
    gauge.measure({ ...full, ...changed }, safe).headroomPercent;
  assert.equal(at({}, 1_000), 100);
  // A burst of more than half of it within ten seconds.
  assert.equal(at({ earliest: 600, latest: 1_010, written: 5_600 }, 1_000), 40);
  assert.equal(at({ earliest: 700, latest: 1_020, written: 5_700 }, 1_015), 95);
  assert.equal(at({ earliest: 1_016, latest: 1_030, written: 7_000 }, 1_015), 0, 'it is lost already');
});

test('before its first look an oplog is taken as evenly written, and one that is not full loses nothing', () => {
  assert.equal(new OplogGauge().measure(full, 250).headroomPercent, 25);
  const young = { ...full, bytes: 10, written: 10 };
  assert.deepEqual(new OplogGauge().measure(young, 0), { windowSeconds: 1_000, leftSeconds: 990, headroomPercent: 99 });
});

test('an oplog that has to keep its entries for a time loses none before', () => {
  const kept = { ...full, bytes: 3_000, keptSeconds: 4_000 };
  assert.deepEqual(new OplogGauge().measure(kept, 0), {
    windowSeconds: 1_000,
    leftSeconds: 3_000,
    headroomPercent: 75,
  });
});

test('a change of server starts the measurement again', () => {
  const gauge = new OplogGauge();
  gauge.measure(full, 900);
  assert.equal(gauge.measure({ ...full, written: 1_200 }, 900).headroomPercent, 90);
});
