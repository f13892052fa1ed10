import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shopData } from '../../demo/shop-data.ts';

describe("the demonstration's generated data", () => {
  const datasets = new Map(Array.from(shopData.datasets(), ({ collection, documents }) => [collection, documents]));

  it('are some 120,000 documents', () => {
    const documents = [...datasets.values()].reduce((sum, each) => sum + each.length, 0);
    assert.ok(documents >= 120_000, `${documents} documents`);
  });

  it('have no unique index where the live load writes', () => {
    for (const collection of shopData.written)
      assert.ok(!shopData.indexes[collection]?.some(({ unique }) => unique), collection);
  });

  it('have the collections of their indexes and of their view', () => {
    for (const name of [...Object.keys(shopData.indexes), shopData.view.viewOn]) assert.ok(datasets.has(name), name);
  });
});
