import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Timestamp } from 'mongodb';
import { Watermark } from '../../../src/engine/capture/watermark.ts';

const at = (sequence: number) => ({
  bytes: 0,
  sequence,
  token: { _data: `82${sequence}` },
  time: new Timestamp(BigInt(sequence)),
});

test('the checkpoint never passes a batch with something not yet acknowledged, and never goes back', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 60 }), (steps) => {
      const pending: number[] = [];
      const watermark = new Watermark(at(0), () => Math.min(Number.POSITIVE_INFINITY, ...pending));
      let sequence = 0;
      let last = 0;
      for (const step of steps) {
        if (step < 2) {
          sequence += 1;
          if (step === 1) pending.push(sequence);
          watermark.dispatched(at(sequence));
        } else if (step === 2) pending.shift();
        else pending.pop();
        const safe = watermark.safe.sequence;
        assert.ok(safe >= last, 'it went back');
        assert.ok(
          pending.every((one) => safe < one),
          'it passed a pending batch',
        );
        if (pending.length === 0) assert.equal(safe, sequence, 'it stayed behind without a reason');
        last = safe;
      }
    }),
  );
});
