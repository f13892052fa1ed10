import type { Document } from 'mongodb';
import { compareVersions, WITHOUT_BUCKETS } from '../../mongodb/server-features.ts';
import { eventsOf } from '../events.ts';
import type { TrialFact } from '../fact.ts';
import type { Scratch } from '../scratch.ts';

const SERIES = { timeseries: { timeField: 'at', metaField: 'of' } };
const [FROM, TO] = ['raw_from', 'raw_to'];
const UNKNOWN_FIELD = 40415;

/** The behaviour of a server on which a migration can read and write time series without a collection of buckets. */
export const TAKES_BUCKETS = 'shows and takes buckets';

/** Whether the engine can migrate time series of 9.0, which are one collection. */
export const RAW_DATA: TrialFact = {
  name: 'RAW_DATA',
  what: 'the buckets of a time series, read and written by rawData',
  expected: ({ level }) =>
    compareVersions(level, WITHOUT_BUCKETS) < 0 ? ['has no such option', 'ignores it', TAKES_BUCKETS] : [TAKES_BUCKETS],
  meaning: 'Linkspan refuses to migrate time series from or to servers of 9.0.',
  attempt: async (scratch) => {
    for (const name of [FROM, TO]) await scratch.write({ create: name, ...SERIES });
    const documents = [1, 2, 3].map((n) => ({ _id: n, at: new Date(n), of: 'a', n }));
    const raw = { rawData: true };
    try {
      let buckets: readonly Document[] = [];
      const events = await eventsOf(
        scratch,
        async () => {
          await scratch.write({ insert: FROM, documents });
          buckets = await found(scratch, { find: FROM, ...raw });
          if (!buckets.every(isBucket)) return;
          await scratch.write({ insert: TO, documents: buckets, ...raw, bypassDocumentValidation: true });
        },
        raw,
      );
      if (buckets.length === 0 || !buckets.every(isBucket)) return { seen: 'ignores it', replies: { buckets } };
      const failed = await failures(scratch, buckets, documents, events);
      const seen = failed.length === 0 ? TAKES_BUCKETS : `shows buckets, but not: ${failed.join(', ')}`;
      return { seen, replies: { buckets, events } };
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== UNKNOWN_FIELD) throw error;
      return { seen: 'has no such option' };
    }
  },
};

/**
 * Returns the operations that a migration needs and that don't work on the server, once the buckets were inserted into the
 * other time series.
 */
async function failures(
  scratch: Scratch,
  buckets: readonly Document[],
  measurements: readonly Document[],
  events: readonly Document[],
): Promise<readonly string[]> {
  const raw = { rawData: true };
  const same = (a: readonly Document[], b: readonly Document[]) => JSON.stringify(a) === JSON.stringify(b);
  const [bucket = {}] = buckets;
  const inserted = same(await found(scratch, { find: TO, ...raw }), buckets);
  const read = same(await found(scratch, { find: TO, sort: { _id: 1 } }).then(inOrder), measurements);
  const q = { _id: bucket._id };
  await scratch.write({ update: TO, updates: [{ q, u: { ...bucket, meta: 'b' }, upsert: true }], ...raw });
  const [replaced] = await found(scratch, { find: TO, filter: q, ...raw });
  await scratch.write({ delete: TO, deletes: [{ q, limit: 1 }], ...raw });
  const left = await found(scratch, { find: TO, ...raw });
  const isShown = [FROM, TO].every((coll) =>
    events.some(
      ({ operationType, ns, fullDocument }) => operationType === 'insert' && ns.coll === coll && isBucket(fullDocument),
    ),
  );
  return Object.entries({
    'insert of a bucket': inserted,
    'measurements of an inserted bucket': read,
    'replacement of a bucket': replaced?.meta === 'b',
    'delete of a bucket': left.length === buckets.length - 1,
    'change stream': isShown,
  })
    .filter(([, isDone]) => !isDone)
    .map(([what]) => what);
}

/** Servers return the fields of a measurement in an order of their own. */
function inOrder(measurements: readonly Document[]): readonly Document[] {
  return measurements.map(({ _id, at, of, n }) => ({ _id, at, of, n }));
}

function isBucket(document: Document | undefined): boolean {
  return document?.control !== undefined && document.data !== undefined;
}

async function found(scratch: Scratch, find: Document): Promise<readonly Document[]> {
  return (await scratch.read(find)).cursor.firstBatch;
}
