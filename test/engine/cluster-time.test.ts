import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timestamp } from 'mongodb';
import { timeOfToken } from '../../src/engine/cluster/cluster-time.ts';

test('the time inside a resume token of a real server is found', () => {
  // From a 6.0.5 server, after a note at Timestamp(0x6b05b7e5, 0x26).
  const time = timeOfToken({ _data: '826B05B7E5000000262B0229296E04' });
  assert.ok(time.equals(new Timestamp({ t: 0x6b05b7e5, i: 0x26 })));
  assert.throws(() => timeOfToken({ _data: '7B05' }), RangeError);
});
