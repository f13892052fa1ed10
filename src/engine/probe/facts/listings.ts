import type { Document } from 'mongodb';
import { compareVersions } from '../../mongodb/server-features.ts';
import type { Server, TrialFact } from '../fact.ts';
import type { Scratch } from '../scratch.ts';

const MEANING = 'Linkspan could leave such a collection out, or make another one on the destination.';
const SERIES = { timeseries: { timeField: 'at', metaField: 'of' } };
const BUCKETS = 'system.buckets.';

/** From 9.0 on a time series is one collection. */
const hasBuckets = ({ level }: Server) => compareVersions(level, '9.0') < 0;

/** Listings of one collection of each kind, and of indexes. */
export const LISTING_FACTS: readonly TrialFact[] = [
  listing('PLAIN', 'a plain collection', {}, () => 'collection with UUID'),
  listing(
    'CAPPED',
    'a capped collection',
    { capped: true, size: 4_096, max: 2 },
    () => 'collection with UUID: capped, max, size',
  ),
  listing(
    'CLUSTERED',
    'a clustered collection',
    { clusteredIndex: { key: { _id: 1 }, unique: true, name: 'cluster' } },
    () => 'collection with UUID: clusteredIndex',
  ),
  listing('VIEW', 'a view', { viewOn: 'list_none', pipeline: [] }, () => 'view: pipeline, viewOn'),
  listing('TIME_SERIES', 'a time series', SERIES, (server) =>
    hasBuckets(server)
      ? 'buckets: collection with UUID: clusteredIndex, timeseries, validator; timeseries: timeseries'
      : 'timeseries with UUID: timeseries',
  ),
  {
    name: 'LISTING_OF_INDEX',
    what: 'the listing of an index without a collation',
    expected: ({ version }) => {
      const addsSimple = compareVersions(version, '9.0') === 0 && compareVersions('9.0.3', version, 3) > 0;
      return addsSimple ? ['collation, key, name, v', 'key, name, v'] : ['key, name, v'];
    },
    meaning: 'A migration may find a difference of indexes that is none, and never be ready to cut over.',
    attempt: async (scratch) => {
      const [, index] = await indexesWith(scratch, 'index_plain', { key: { n: 1 }, name: 'n' });
      return {
        seen: Object.keys(index ?? {})
          .sort()
          .join(', '),
        replies: index,
      };
    },
  },
  {
    name: 'COLLATION_VERSION',
    what: 'the version of a collation that the server lists',
    expected: () => ['57.1'],
    meaning:
      'Strings may be ordered otherwise than on the other side, and options of collections may differ permanently.',
    attempt: async (scratch) => {
      const collation = { locale: 'fr' };
      const [, index] = await indexesWith(scratch, 'index_collation', { key: { n: 1 }, name: 'n', collation });
      return { seen: String(index?.collation?.version), replies: index };
    },
  },
  {
    name: 'INDEX_OF_TIME_SERIES',
    what: 'the indexes that a new time series has by itself',
    expected: ({ level }) => (compareVersions(level, '7.0') < 0 ? ['none', 'of_1_at_1'] : ['of_1_at_1', 'none']),
    meaning: 'An index of a time series may be missing on the destination, or be there in addition.',
    attempt: async (scratch) => {
      await scratch.write({ create: 'index_series', ...SERIES });
      const { cursor } = await scratch.read({ listIndexes: 'index_series' });
      return {
        seen: cursor.firstBatch.map(({ name }: Document) => name).join(', ') || 'none',
        replies: cursor.firstBatch,
      };
    },
  },
];

function listing(kind: string, what: string, options: Document, expected: (server: Server) => string): TrialFact {
  return {
    name: `LISTING_OF_${kind}`,
    what: `the listing of ${what}`,
    expected: (server) => [expected(server)],
    meaning: MEANING,
    endangersData: true,
    attempt: async (scratch) => {
      const name = `list_${kind.toLowerCase()}`;
      await scratch.write({ create: name, ...options });
      const filter = { name: { $in: [name, BUCKETS + name] } };
      const { cursor } = await scratch.read({ listCollections: 1, filter });
      const entries: Document[] = cursor.firstBatch;
      return { seen: entries.map(describe).sort().join('; '), replies: entries };
    },
  };
}

function describe({ name, type, options, info }: Document): string {
  const kind = `${name.startsWith(BUCKETS) ? 'buckets: ' : ''}${type}${info.uuid === undefined ? '' : ' with UUID'}`;
  const fields = Object.keys(options).sort().join(', ');
  return fields === '' ? kind : `${kind}: ${fields}`;
}

async function indexesWith(scratch: Scratch, collection: string, index: Document): Promise<readonly Document[]> {
  await scratch.write({ createIndexes: collection, indexes: [index] });
  return (await scratch.read({ listIndexes: collection })).cursor.firstBatch;
}
