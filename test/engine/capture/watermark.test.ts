import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Timestamp } from 'mongodb';
import { Watermark } from '../../../src/engine/capture/watermark.ts';

const at = (position: number) => ({ token: { _data: `82${position}` }, time: new Timestamp(BigInt(position)) });

test('the checkpoint never passes a batch with something not yet acknowledged, and never goes back', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(4), { maxLength: 60 }), (steps) => {
      /** Batches that wait for something; their sequence is their position. */
      const pending: number[] = [];
      const watermark = new Watermark(at(0), {
        unapplied: () => Math.min(Number.POSITIVE_INFINITY, ...pending),
        uncompared: () => Number.POSITIVE_INFINITY,
      });
      let position = 0;
      let last = 0;
      for (const step of steps) {
        if (step <= 2) position += 1;
        if (step === 0) watermark.passed(at(position));
        else if (step <= 2) {
          if (step === 1) pending.push(position);
          watermark.dispatched({ ...at(position), sequence: position, bytes: 0 });
        } else if (step === 3) pending.shift();
        else pending.pop();
        const safe = Number(watermark.safe.time.toBigInt());
        assert.ok(safe >= last, 'it went back');
        assert.ok(
          pending.every((one) => safe < one),
          'it passed a pending batch',
        );
        if (pending.length === 0) assert.equal(safe, position, 'it stayed behind without a reason');
        last = safe;
      }
    }),
  );
});
