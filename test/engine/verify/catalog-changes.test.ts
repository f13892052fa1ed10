import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogChanges } from '../../../src/engine/verify/catalog-changes.ts';

test('a comparison of the catalogs covers the changes before its beginning, and no later one', () => {
  const changes = new CatalogChanges();
  changes.add(new Set(['before', 'twice']));
  changes.begin();
  changes.add(new Set(['meanwhile', 'twice']));
  assert.ok(changes.has('before'), 'one under way covers nothing yet');
  changes.cover();
  assert.deepEqual(
    ['before', 'twice', 'meanwhile'].map((id) => changes.has(id)),
    [false, true, true],
  );
  changes.begin();
  changes.cover();
  assert.ok(changes.isEmpty);
});

test('a comparison of the catalogs that finds a difference covers nothing', () => {
  const changes = new CatalogChanges();
  changes.add(new Set(['one']));
  changes.begin();
  changes.begin();
  assert.ok(changes.has('one'));
});

test('changes of the catalog that are not known may concern every collection', () => {
  const changes = new CatalogChanges();
  assert.equal(changes.has('any'), false);
  changes.add(undefined);
  assert.deepEqual([changes.has('any'), changes.has(undefined)], [true, true]);
  changes.begin();
  changes.add(new Set());
  changes.cover();
  assert.deepEqual(
    [changes.has('any'), changes.isEmpty],
    [false, false],
    'what the listings have is still to be compared',
  );
});
