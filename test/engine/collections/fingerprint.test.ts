import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findChange } from '../../../src/engine/collections/fingerprint.ts';

const before = new Map([
  ['shop.items', 'a'],
  ['shop.a.b', 'b'],
]);

test('a collection that is new, gone or another one is named, and how it changed', () => {
  const gone = new Map([...before].slice(0, 1));
  const other = new Map([...before, ['shop.items', 'other']]);
  const added = new Map([...before, ['shop.new', 'c']]);
  assert.equal(findChange(before, before), undefined);
  assert.deepEqual(findChange(before, gone), { namespace: 'shop.a.b', what: 'it is gone' });
  assert.equal(findChange(before, other)?.namespace, 'shop.items');
  assert.deepEqual(findChange(before, added), { namespace: 'shop.new', what: 'it is new' });
});

test('while a collection becomes capped, it is named, and not the temporary one that the server makes for it', () => {
  for (const name of ['items', 'a.b']) {
    const during = new Map([...before, [`shop.tmpyRMad.convertToCapped.${name}`, 'c']]);
    assert.deepEqual(findChange(before, during), { namespace: `shop.${name}`, what: 'it becomes capped' });
  }
});
