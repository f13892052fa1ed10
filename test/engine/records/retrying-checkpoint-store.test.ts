import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotNow } from '../../../src/engine/mongodb/failure-policy.ts';
import type { CollectionRecord } from '../../../src/engine/records/records.ts';
import { within } from '../../../src/engine/records/within.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const record = (documents: number) => ({ documents }) as CollectionRecord;

test('a retried write of a collection writes its record as of that attempt, not as of the first', async () => {
  const { checkpoint } = unconnectedContext(new AbortController().signal);
  const written: number[] = [];
  let documents = 1;
  checkpoint.unretried.saveCollection = async (given) => {
    written.push(given.documents);
    documents = 2;
    if (written.length === 1) throw new NotNow('the first attempt fails');
  };
  await checkpoint.saveCollection({ toRecord: () => record(documents) });
  assert.deepEqual(written, [1, 2]);
});

test('parts with a deadline stop retrying checkpoint writes when it is over', async () => {
  const over = new AbortController();
  const context = unconnectedContext(new AbortController().signal);
  const { checkpoint } = within(context, over.signal);
  let attempts = 0;
  context.checkpoint.unretried.forgetSpool = async () => {
    attempts += 1;
    over.abort(new Error('over'));
    throw new NotNow('there is no primary');
  };
  await assert.rejects(checkpoint.forgetSpool(), /over/);
  assert.equal(attempts, 1);
});
