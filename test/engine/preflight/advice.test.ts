import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needsSource } from '../../support/source-version.ts';
import { CheckedClusters } from './checked-clusters.ts';

const MIB = 1024 * 1024;
const CACHE = 'cache_size=16M';
/** More than that in all. */
const LARGE = { documents: 20, bytes: MIB };

describe('advice about the source', { skip: needsSource('6.0', 'its findings are others') }, () => {
  const clusters = CheckedClusters.forTests();
  const administrators = () => ({ source: clusters.source.uri, destination: clusters.destination.uri });
  const messages = async (code: string, changes: object = administrators()) =>
    (await clusters.check(changes)).filter((one) => one.code === code).map(({ message }) => message);

  test('finds a profiler that records every operation, on either side', async () => {
    const { source, destination } = clusters;
    for (const set of [source, destination]) await set.client.db('shop').command({ profile: 1 });
    assert.deepEqual(await messages('PROFILER_ON', {}), [], 'slow operations only');
    for (const set of [source, destination]) await set.client.db('shop').command({ profile: 2 });
    assert.deepEqual(await messages('PROFILER_ON', {}), [
      'The profiler of the source records every operation in shop.',
      'The profiler of the destination records every operation in shop.',
    ]);
    for (const set of [source, destination]) {
      await set.client.db('shop').command({ profile: 0 });
      await set.client.db('shop').collection('system.profile').drop();
    }
  });

  test('finds index filters, which stay behind', async () => {
    const shop = clusters.source.client.db('shop');
    const filter = { planCacheSetFilter: 'orders', query: { n: 1 }, indexes: [{ _id: 1 }] };
    await shop.command(filter);
    assert.deepEqual(await messages('INDEX_FILTERS_LEFT'), [
      'The source has index filters for shop.orders. They are in the memory of its primary, so they are not migrated.',
    ]);
    assert.deepEqual(await messages('INDEX_FILTERS_LEFT', {}), [], 'a user who may not ask');
    assert.deepEqual(await messages('CHECK_FAILED', {}), []);
    await shop.command({ planCacheClearFilters: 'orders' });
    assert.deepEqual(await messages('INDEX_FILTERS_LEFT'), []);
  });

  test('finds a collection of random _ids that does not fit into the cache', async () => {
    const large = clusters.source.client.db('shop').collection<{ _id: number }>('large');
    const admin = clusters.source.client.db('admin');
    await admin.command({ setParameter: 1, wiredTigerEngineRuntimeConfig: CACHE });
    const fill = async (idOf: (n: number) => number) => {
      await large.drop();
      for (let n = 0; n < LARGE.documents; n += 1) {
        const document = { _id: idOf(n), filler: Buffer.alloc(LARGE.bytes) };
        await large.insertOne(document);
      }
    };
    await fill((n) => n);
    assert.deepEqual(await messages('RANDOM_IDS'), [], 'in order');
    await fill((n) => (n * 7) % LARGE.documents);
    const [only] = await messages('RANDOM_IDS', {});
    assert.match(only ?? '', /^Collection shop\.large has 20 MiB of documents with random _ids, .* 16 MiB/);
    await large.drop();
  });
});
