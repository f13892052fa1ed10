import { after, before, beforeEach, describe, test } from 'node:test';
import { BSONSymbol, type CreateCollectionOptions, Int32, Long } from 'mongodb';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

type Id = string | number | Int32 | Long | BSONSymbol | { shop: string; numbers: (Int32 | Long)[] };

interface Item {
  _id: Id;
  v: number;
  text?: string;
}

/** Keys that have other bytes, and are one to the server. */
describe('equal keys', () => {
  let pair: ReplicaSetPair;
  const items = () => pair.source.client.db('shop').collection<Item>('items');

  /** Replaces a document together with its `_id`. */
  const save = (item: Item) => items().replaceOne({ _id: item._id }, item);

  before(async () => {
    pair = await startPair();
  });
  after(async () => await pair[Symbol.asyncDispose]());
  beforeEach(async () => {
    await emptyPair(pair);
  });

  /** Makes changes behind an insert that is being written, so that they wait together. @param changes  how many events they are */
  async function changeTogether(changes: number, change: () => Promise<void>): Promise<void> {
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    using taken = holdAt('engine.apply.batch-taken');
    await items().insertOne({ _id: 'first', v: 0 });
    await taken.reached;
    await change();
    await running.until('the changes', ({ changes: { read } }) => read > changes);
    taken.release();
    await running.commit();
    await expectIdentical(pair);
  }

  /** Saves each document three times, as an application in Java does, and two in Node.js. */
  async function saveWithOtherNumbers(idOf: (number: Int32 | Long) => Id): Promise<void> {
    const forms = [Long.fromNumber, (n: number) => new Int32(n), (n: number) => new Int32(n)];
    await items().insertMany(Array.from({ length: 20 }, (_, n) => ({ _id: idOf(new Int32(n)), v: 0 })));
    await changeTogether(20 * 4, async () => {
      await items().updateMany({}, { $set: { v: 1 } });
      for (let n = 0; n < 20; n += 1) {
        for (const [index, form] of forms.entries()) {
          const _id = idOf(form(n));
          await save({ _id, v: index + 2 });
        }
      }
    });
  }

  // id: other-number-type
  test('documents that are saved with another number type of their _id each time end as on the source', async () => {
    await saveWithOtherNumbers((number) => number);
  });

  test('documents whose _id has a number somewhere in it end as on the source', async () => {
    await saveWithOtherNumbers((number) => ({ shop: 's', numbers: [number] }));
  });

  test('a string _id that becomes the symbol of the same text, and a string again, ends as on the source', async () => {
    const ids = Array.from({ length: 60 }, (_, n) => `id${n}`);
    await items().insertMany(ids.map((_id) => ({ _id, v: 0 })));
    await changeTogether(60 * 2 + 30 * 2, async () => {
      for (const [n, id] of ids.entries()) {
        await items().deleteOne({ _id: id });
        await items().insertOne({ _id: new BSONSymbol(id), v: 1 });
        if (n % 2 > 0) continue;
        await save({ _id: id, v: 2 });
        await save({ _id: new BSONSymbol(id), v: 3 });
      }
    });
  });

  test('a delete that waits behind the insert of an _id that a collation takes as equal does not delete what was inserted', async () => {
    const options: CreateCollectionOptions = { collation: { locale: 'en', strength: 2 } };
    await pair.source.client.db('shop').createCollection('items', options);
    await items().insertOne({ _id: 'a', v: 0 });
    await changeTogether(11, async () => {
      await items().deleteOne({ _id: 'a' });
      // More than one batch.
      await items().insertMany(Array.from({ length: 7 }, (_, n) => ({ _id: n, v: n, text: 'x'.repeat(1_000_000) })));
      await items().insertOne({ _id: 'A', v: 1 });
      await items().deleteOne({ _id: 'A' });
      await items().insertOne({ _id: 'a', v: 2 });
    });
  });
});
