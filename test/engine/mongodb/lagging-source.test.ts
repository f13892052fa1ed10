import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { lagBehind } from '../../support/lagging-member.ts';
import { startPair } from '../../support/replica-set.ts';
import { allowWrites } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

const MAJORITY = { writeConcern: { w: 'majority' } } as const;

interface Counted {
  readonly _id: number;
  readonly v: number;
}

function numbered(from: number, to: number): Counted[] {
  return Array.from({ length: to - from }, (_, n) => ({ _id: from + n, v: 0 }));
}

// id: source-member-lags
test('a source that elects a member whose majority reads lag behind', async (t) => {
  await using pair = await startPair({ source: { members: 3 } });
  const shop = pair.source.client.db('shop');
  const collection = shop.collection<Counted>('c');

  await t.test('between a change and the read of its document: the later state is applied', async () => {
    await collection.insertMany(numbered(0, 50), MAJORITY);
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    await using lagging = await lagBehind(pair.source, async (count) => (await count('shop', 'c')) === 50);
    using taken = holdAt('engine.apply.batch-taken');
    await collection.updateMany({}, { $set: { v: 1 } }, MAJORITY);
    await running.until('all changes to be read', ({ changes }) => changes.read >= 50);
    await taken.reached;
    await lagging.elect();
    taken.release();
    await eventually(async () => running.progress.changes.queued === 0 || (await lagging.isAskedFor('c')), {
      what: 'the documents to be read',
    });
    await lagging.catchUp();
    await running.commit();
    await expectIdentical(pair);
  });

  for (const [when, place] of [
    ['before the ranges of the copy are planned', 'engine.copy.before-first-read'],
    ['before the first range is read', 'engine.write.update.partitions'],
  ] as const) {
    await t.test(`${when}: the copy has what was there when the stream began`, async () => {
      await allowWrites(pair.source.client);
      for (const { client } of [pair.source, pair.destination])
        for (const name of ['shop', 'linkspan_internal']) await client.db(name).dropDatabase(MAJORITY);
      await collection.insertMany(numbered(0, 50), MAJORITY);
      await using lagging = await lagBehind(pair.source, async (count) => (await count('shop', 'c')) === 50);
      await collection.updateMany({}, { $set: { v: 1 } }, MAJORITY);
      await collection.insertMany(numbered(50, 100), MAJORITY);
      using held = holdAt(place);
      await using running = RunningMigration.start(pair);
      await held.reached;
      await lagging.elect();
      held.release();
      await eventually(async () => running.progress.copy.documentsCopied > 0 || (await lagging.isAskedFor('c')), {
        what: 'the copy to begin',
      });
      await lagging.catchUp();
      await running.commit();
      await expectIdentical(pair);
    });
  }
});
