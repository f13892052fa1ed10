import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MongoClient, Timestamp } from 'mongodb';
import { timeOfToken, writeBarrier } from '../../../src/engine/mongodb/cluster-time.ts';
import { classify } from '../../../src/engine/mongodb/failure-policy.ts';

test('the time inside a resume token of a real server is found', () => {
  // A token of a 6.0.5 server, after a note at Timestamp(0x6b05b7e5, 0x26).
  const time = timeOfToken({ _data: '826B05B7E5000000262B0229296E04' });
  assert.ok(time.equals(new Timestamp({ t: 0x6b05b7e5, i: 0x26 })));
  assert.throws(() => timeOfToken({ _data: '7B05' }), RangeError);
});

test('a barrier waits for a server that does not report its time, as while it starts or stops', async () => {
  // A reply as seen in a campaign; no failpoint makes one.
  const client = { db: () => ({ command: async () => ({ ok: 1 }) }) } as unknown as MongoClient;
  await assert.rejects(writeBarrier(client), (error) => classify(error) === 'transient');
});
