import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReplicaSet } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { CheckedClusters } from './checked-clusters.ts';

const MIB = 1024 * 1024;
const CACHE = 'cache_size=16M';
/** More than that in all. */
const LARGE = { documents: 20, bytes: MIB };
/** An index on such ids takes more than a tenth of the smallest cache. */
const LONG_ID = 20_000;

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

  test('finds write concerns and tags of members that the destination lacks', async () => {
    const reconfigure = async (set: ReplicaSet, tags: object, getLastErrorModes: object) => {
      const own = (await set.client.db('admin').command({ replSetGetConfig: 1 })).config;
      own.version += 1;
      own.members[0].tags = tags;
      own.settings.getLastErrorModes = getLastErrorModes;
      await set.client.db('admin').command({ replSetReconfig: own });
    };
    const { source, destination } = clusters;
    await reconfigure(source, { dc: 'east', use: 'reports' }, { everyCentre: { dc: 1 }, reported: { use: 1 } });
    await reconfigure(destination, { dc: 'west', use: 'reports' }, { reported: { use: 1 } });
    assert.deepEqual(await messages('WRITE_CONCERNS_LEFT', {}), [
      'The source has write concerns that the destination lacks: everyCentre. Writes that name one fail on the destination.',
    ]);
    assert.deepEqual(await messages('MEMBER_TAGS_LEFT', {}), [
      'Members of the source have tags that no member of the destination has: dc: east. Reads that ask for one find no server there.',
    ]);
    await reconfigure(destination, { dc: 'east', use: 'reports' }, { everyCentre: { dc: 1 }, reported: { use: 1 } });
    assert.deepEqual(await messages('WRITE_CONCERNS_LEFT', {}), []);
    assert.deepEqual(await messages('MEMBER_TAGS_LEFT', {}), []);
    for (const set of [source, destination]) await reconfigure(set, {}, {});
  });

  test('finds default concerns that another client has set on the source, and that the destination lacks', async () => {
    const { source, destination } = clusters;
    const setDefaults = async (set: ReplicaSet, w: string | number, level: string) => {
      const defaults = { defaultWriteConcern: { w }, defaultReadConcern: { level } };
      await set.client.db('admin').command({ setDefaultRWConcern: 1, ...defaults });
    };
    assert.deepEqual(await messages('DEFAULT_CONCERNS_DIFFER', {}), [], 'defaults of the servers');
    await setDefaults(source, 1, 'majority');
    assert.deepEqual(await messages('DEFAULT_CONCERNS_DIFFER', {}), [
      'The default write concern of the source was set to {"w":1}, and that of the destination is {"w":"majority"}.',
      'The default read concern of the source was set to {"level":"majority"}, and that of the destination is {"level":"local"}.',
    ]);
    await source.createUser('reconfigurer', 'secret', ['readAnyDatabase']);
    const unprivileged = { source: source.uriFor('reconfigurer', 'secret') };
    assert.deepEqual(await messages('DEFAULT_CONCERNS_DIFFER', unprivileged), [], 'a user who may not ask');
    await setDefaults(destination, 1, 'majority');
    assert.deepEqual(await messages('DEFAULT_CONCERNS_DIFFER', {}), []);
    for (const set of [source, destination]) await setDefaults(set, 'majority', 'local');
  });

  test('finds a collection of random _ids that does not fit into the cache', async () => {
    const large = clusters.source.client.db('shop').collection<{ _id: number | string }>('large');
    const admin = clusters.source.client.db('admin');
    await admin.command({ setParameter: 1, wiredTigerEngineRuntimeConfig: CACHE });
    const fill = async (idOf: (n: number) => number | string) => {
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
    assert.match(
      only ?? '',
      /^Collection shop\.large has 2\d\.\d MB of documents with random _ids, .* 16\.8 MB\. .* in natural order\./,
    );
    const destination = clusters.destination.client.db('admin');
    await destination.command({ setParameter: 1, wiredTigerEngineRuntimeConfig: 'cache_size=1M' });
    await fill((n) => `${(n * 7) % 10}${n}`.padEnd(LONG_ID));
    const [sorted] = await messages('RANDOM_IDS', {});
    assert.match(sorted ?? '', /in the order of _id, because .* the cache of the destination has 1\.05 MB\./);
    await destination.command({ setParameter: 1, wiredTigerEngineRuntimeConfig: 'cache_size=256M' });
    await large.drop();
  });
});
