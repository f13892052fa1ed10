import type { Document } from 'mongodb';
import { compareVersions } from '../../mongodb/server-features.ts';
import type { TrialFact } from '../fact.ts';
import type { Scratch } from '../scratch.ts';

const MARK = 'timeseriesBucketingParametersHaveChanged';
const MEANING = 'Queries of a time series on the destination could miss documents.';

/** Marks of a time series beside its options, by which the query planner trusts its buckets. */
export const TIME_SERIES_FACTS: readonly TrialFact[] = [
  {
    name: 'BUCKETING_MARK',
    what: `the mark ${MARK} of a new time series`,
    expected: ({ level }) => {
      if (compareVersions(level, '7.1') < 0) return ['absent'];
      return compareVersions(level, '8.2') < 0 ? ['false', 'absent'] : ['absent', 'false', 'configString false'];
    },
    meaning: MEANING,
    endangersData: true,
    attempt: async (scratch) => {
      await scratch.write({ create: 'mark_new', timeseries: { timeField: 'at', granularity: 'seconds' } });
      return await markOf(scratch, 'mark_new');
    },
  },
  {
    name: 'BUCKETING_MARK_CHANGED',
    what: `the mark ${MARK} after a change of the granularity`,
    expected: ({ level }) => {
      if (compareVersions(level, '7.1') < 0) return ['absent', 'true'];
      return compareVersions(level, '8.2') < 0 ? ['true'] : ['configString true', 'true'];
    },
    meaning: MEANING,
    endangersData: true,
    attempt: async (scratch) => {
      await scratch.write({ create: 'mark_changed', timeseries: { timeField: 'at', granularity: 'seconds' } });
      await scratch.write({ collMod: 'mark_changed', timeseries: { granularity: 'minutes' } });
      return await markOf(scratch, 'mark_changed');
    },
  },
];

async function markOf(scratch: Scratch, name: string) {
  const list = async (aggregate: string): Promise<readonly Document[]> =>
    (await scratch.read({ aggregate, pipeline: [{ $listCatalog: {} }], cursor: {} })).cursor.firstBatch;
  const ofBuckets = await list(`system.buckets.${name}`);
  // A server of 9.0 has no buckets, and lists the time series itself.
  const entries = ofBuckets.length > 0 ? ofBuckets : await list(name);
  const md = entries.find((one) => one.md !== undefined)?.md ?? {};
  const config = String(md.options?.storageEngine?.wiredTiger?.configString ?? '');
  const inConfig = new RegExp(`${MARK}=(\\w+)`).exec(config)?.[1];
  const seen = inConfig === undefined ? String(md[MARK] ?? 'absent') : `configString ${inConfig}`;
  return { seen, replies: { mark: md[MARK], configString: config } };
}
