import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Timestamp } from 'mongodb';
import { Watermark } from '../../../src/engine/capture/watermark.ts';

const at = (position: number) => ({ token: { _data: `82${position}` }, time: new Timestamp(BigInt(position)) });

// id: checkpoint-passes-nothing
test('the checkpoint never passes a batch with something not yet acknowledged or not yet compared, and never goes back', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 60 }), (steps) => {
      /** Batches that wait for something; their sequence is their position. */
      const pending: number[] = [];
      /** Batches that are applied, and not compared since. */
      const uncompared: number[] = [];
      const watermark = new Watermark(at(0), {
        unapplied: () => Math.min(Number.POSITIVE_INFINITY, ...pending),
        uncompared: () => Math.min(Number.POSITIVE_INFINITY, ...uncompared),
      });
      let position = 0;
      let last = 0;
      for (const step of steps) {
        if (step <= 2) position += 1;
        if (step === 0) watermark.passed(at(position));
        else if (step <= 2) {
          if (step === 1) pending.push(position);
          watermark.dispatched({ ...at(position), sequence: position, bytes: 0 });
        } else if (step === 5) uncompared.pop();
        else {
          const applied = step === 3 ? pending.shift() : pending.pop();
          if (applied !== undefined) uncompared.push(applied);
        }
        const { applied } = watermark;
        const safe = Number(watermark.safe.time.toBigInt());
        assert.ok(safe >= last, 'it went back');
        assert.ok(
          [...pending, ...uncompared].every((one) => safe < one),
          'it passed a pending batch',
        );
        assert.ok(
          pending.every((one) => applied.sequence < one),
          'it counts a pending batch as applied',
        );
        if (pending.length === 0)
          assert.equal(Number(applied.time.toBigInt()), position, 'a comparison held the lag up');
        if (pending.length + uncompared.length === 0) assert.equal(safe, position, 'it stayed behind without a reason');
        last = safe;
      }
    }),
  );
});
