import assert from 'node:assert/strict';
import type { MongoClient } from 'mongodb';
import { type CompareOptions, type Comparison, compareClusters } from './compare-clusters.ts';

/** Fails the test with the differences unless the destination holds the same data as the source. Returns what was compared. */
export async function expectIdentical(
  pair: { readonly source: { readonly client: MongoClient }; readonly destination: { readonly client: MongoClient } },
  options: CompareOptions = {},
): Promise<Comparison> {
  const comparison = await compareClusters(pair.source.client, pair.destination.client, options);
  assert.deepEqual(comparison.differences, []);
  return comparison;
}
