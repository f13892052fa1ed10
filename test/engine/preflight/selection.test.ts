import { describe, test } from 'node:test';
import { needsSource } from '../../support/source-version.ts';
import { type Case, CheckedClusters, expectFindings } from './checked-clusters.ts';

describe('a look at two clusters', { skip: needsSource('6.0', 'its findings are others') }, () => {
  const clusters = CheckedClusters.forTests();

  const CASES: readonly Case[] = [
    ['a filter that is none', () => ({ filters: { include: [{}] } }), [['INVALID_FILTER', /database/]]],
    [
      'literal names in filters that the source does not have, and patterns that match nothing',
      () => ({
        filters: {
          include: [
            { database: 'shop', collections: ['orders', 'order', 'series'] },
            { database: 'Shop' },
            { databaseRegex: { pattern: '^shops' }, collections: ['orders'] },
            { databaseRegex: { pattern: '^sh' }, collections: ['custmer'] },
            { database: 'shop', collectionsRegex: { pattern: '^or' } },
            { database: 'shop', collectionsRegex: { pattern: '^late' } },
            { database: 'shop', collections: [] },
          ],
          exclude: [
            { database: 'shop', collections: ['lgos'] },
            { databaseRegex: { pattern: '^tmp_' } },
            { database: 'config' },
            { database: 'admin' },
          ],
        },
      }),
      [
        ['FILTER_MATCHES_NOTHING', /^includeNamespaces names `shop\.order`, but the source has nothing with that name/],
        ['FILTER_MATCHES_NOTHING', /^includeNamespaces names `Shop`/],
        ['FILTER_MATCHES_NOTHING', /^includeNamespaces names `custmer` in databases like `\^sh`/],
        ['FILTER_MATCHES_NOTHING', /^includeNamespaces names no collection of `shop`/],
        ['FILTER_MATCHES_NOTHING', /^excludeNamespaces names `shop\.lgos`/],
        ['PATTERN_MATCHES_NOTHING', /^includeNamespaces has databaseRegex `\^shops`/],
        ['PATTERN_MATCHES_NOTHING', /^includeNamespaces has collectionsRegex `\^late`/],
        ['PATTERN_MATCHES_NOTHING', /^excludeNamespaces has databaseRegex `\^tmp_`/],
        ['PART_NOT_BLOCKED', /part/],
      ],
    ],
    [
      'a document filter that the server does not understand, of what is not there',
      () => ({ documentFilters: [{ database: 'shop', collection: 'no', filter: { $no: 1 } }] }),
      [
        ['INVALID_DOCUMENT_FILTER', /\$no/],
        ['INVALID_DOCUMENT_FILTER', /no such collection/],
        ['PART_NOT_BLOCKED', /part/],
      ],
    ],
    [
      'a remap of what is not there',
      () => ({ namespaceRemap: [{ from: { database: 'shp' }, to: { database: 'store' } }] }),
      [['INVALID_REMAP', /shp/]],
    ],
    [
      'two databases for one name',
      () => ({ namespaceRemap: [{ from: { database: 'shop' }, to: { database: 'linkspan_internal' } }] }),
      [['INVALID_REMAP', /not a database for users' data/]],
    ],
    [
      'users and roles of a part',
      () => ({
        filters: { include: [{ database: 'shop' }] },
        usersAndRoles: true,
        source: clusters.source.uri,
        destination: clusters.destination.uri,
      }),
      [
        ['ACCOUNTS_NEED_WHOLE', /whole/],
        ['ACCOUNTS_KEPT', /root/],
        ['PART_NOT_BLOCKED', /part/],
      ],
    ],
  ];
  for (const [what, changes, expected] of CASES) {
    test(`finds ${what}`, async () => expectFindings(await clusters.check(changes()), expected));
  }

  test('takes a filter that names a view, a time series or a capped collection', async () => {
    const db = clusters.source.client.db('kinds');
    await db.createCollection('view', { viewOn: 'tail', pipeline: [] });
    await db.createCollection('series', { timeseries: { timeField: 'at' } });
    await db.createCollection('tail', { capped: true, size: 4096 });
    for (const name of ['view', 'series', 'tail']) {
      const item = { database: 'kinds', collections: [name] };
      expectFindings(await clusters.check({ filters: { include: [item] } }), [['PART_NOT_BLOCKED', /part/]]);
      expectFindings(await clusters.check({ filters: { exclude: [item] } }), [['PART_NOT_BLOCKED', /part/]]);
    }
    await db.dropDatabase();
  });
});
