import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitCutoverRequest } from '../../src/cli/administration/await-cutover-request.ts';

const migration = (agent: 'CONNECTED' | 'LOST', isDone: boolean) => ({
  _id: 'm',
  status: 'WORKING',
  linkspan: { agent: { status: agent, lastSeen: null }, cutoverAbort: { isDone }, progress: null },
});

test('an abort waits until the agent has carried it out, and no longer than until the agent is lost', async () => {
  for (const [first, later, looks] of [
    [migration('CONNECTED', false), migration('CONNECTED', true), 1],
    [migration('CONNECTED', false), migration('LOST', false), 1],
    [migration('LOST', false), migration('LOST', false), 0],
  ] as const) {
    let looked = 0;
    const look = async () => {
      looked += 1;
      return later;
    };
    const last = await awaitCutoverRequest(look, { abort: true }, first);
    assert.deepEqual([last, looked], [looks === 0 ? first : later, looks]);
  }
});
