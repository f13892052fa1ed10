import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Db } from 'mongodb';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';
import { KINDS } from './kinds-there-and-back.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');
const CAPPED = ['log', 'sized', 'new', 'plain'];

test('collections, views and indexes of each kind that users make and change there, back and there again are on both sides', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const { source, destination } = pair;
  for (const { name, before } of KINDS) await before(source.client.db(name));
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  for (const { name, there } of KINDS) await there(destination.client.db(name));
  await running.returnToOldSource();
  await expectSame(pair);
  for (const { name, back } of KINDS) await back(source.client.db(name));
  await running.returnToOldSource();
  await running.steering.finish();
  await expectSame(pair);
});

async function expectSame(pair: ReplicaSetPair): Promise<void> {
  await expectIdentical(pair);
  const [first, second] = [pair.source.client.db('capped'), pair.destination.client.db('capped')];
  for (const one of CAPPED) assert.deepEqual(await naturalOrder(second, one), await naturalOrder(first, one), one);
}

async function naturalOrder(db: Db, name: string): Promise<string[]> {
  const documents = await db.collection(name).find().hint({ $natural: 1 }).project({ _id: 1 }).toArray();
  return documents.map(({ _id }) => String(_id));
}
