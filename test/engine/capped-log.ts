import assert from 'node:assert/strict';
import type { Collection } from 'mongodb';
import { expectIdentical } from '../support/expect-identical.ts';
import type { ReplicaSet, ReplicaSetPair } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';

/** A document of the capped collection of tests. */
export interface Entry {
  _id: number;
  again?: number;
}

/** Makes a capped collection on the source, with documents whose ids are their order. */
export async function fillLog(
  pair: ReplicaSetPair,
  count: number,
  options: { readonly max?: number } = {},
): Promise<Collection<Entry>> {
  const db = pair.source.client.db('shop');
  await db.createCollection('log', { capped: true, size: 1_000_000, ...options });
  const log = db.collection<Entry>('log');
  await log.insertMany(identified(count));
  return log;
}

/** Returns the ids of the collection on one side, in natural order. */
export async function orderOf({ client }: ReplicaSet): Promise<number[]> {
  const log = client.db('shop').collection<Entry>('log');
  return await log
    .find({}, { hint: { $natural: 1 } })
    .map(({ _id }) => _id)
    .toArray();
}

/** Fails the test unless both sides are identical, and in the same order. */
export async function expectSameOrder(pair: ReplicaSetPair): Promise<void> {
  await expectIdentical(pair);
  assert.deepEqual(await orderOf(pair.destination), await orderOf(pair.source));
}
