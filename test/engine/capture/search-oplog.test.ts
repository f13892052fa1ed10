import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoServerError } from 'mongodb';
import { searchOplog } from '../../../src/engine/capture/search-oplog.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const { retrier } = unconnectedContext(new AbortController().signal);
const search = (error: Error) => searchOplog(retrier, 'the oplog of the source', () => Promise.reject(error));
const refusal = (code: number, codeName: string) => new MongoServerError({ message: codeName, code, codeName });

test('an oplog that discards what a search is reading is lost, and one that refuses the read is unreadable (stand-ins for its answers)', async () => {
  assert.equal(await search(refusal(136, 'CappedPositionLost')), 'lost');
  const unauthorized = refusal(13, 'Unauthorized');
  assert.deepEqual(await search(unauthorized), { unreadable: unauthorized });
  const bug = new RangeError('a bug');
  await assert.rejects(search(bug), bug);
});
