import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON, Double, Long } from 'mongodb';
import { keyOf } from '../../../src/engine/bson/document-key.ts';
import { findRepeatedKey } from '../../../src/engine/mongodb/repeated-ids.ts';

const documents = (...ids: unknown[]) => ids.map((_id) => Buffer.from(BSON.serialize({ _id, text: 'x' })));
const found = (read: Buffer[], previous?: Buffer) =>
  findRepeatedKey(read, previous === undefined ? undefined : keyOf(previous))?.identity;
const identityOf = (document: Buffer | undefined) => document && keyOf(document).identity;

test('an _id that one read has twice is found, with another number type and across two batches, too', () => {
  const [one, , oneAgain] = documents(new Long(1), 2, new Double(1));
  assert.equal(found(documents(1, 2, 3, 'a')), undefined);
  assert.equal(found(documents(1, 2, 2, 3)), identityOf(documents(2)[0]));
  assert.equal(found(documents(new Long(1), 2, new Double(1))), identityOf(one));
  assert.equal(found(documents(1, 2), oneAgain), identityOf(one));
  assert.equal(found(documents(2, 3), oneAgain), undefined);
});
