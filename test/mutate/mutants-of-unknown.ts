import type { Mutant } from './mutant.ts';

const LIKE_BUCKETS = 'test/engine/unknown/like-buckets.test.ts';
const NEWER = 'test/engine/unknown/newer-servers.test.ts';

/** Each removes one rule about naming what no rule knows. */
export const OF_UNKNOWN: readonly Mutant[] = [
  {
    without: 'naming a plain collection that has a name of buckets',
    file: 'src/engine/catalog/read-catalog.ts',
    replace: "else if (isBuckets(entry.name) && entry.options.has('timeseries')) halves.push(entry);",
    by: 'else if (isBuckets(entry.name)) halves.push(entry);',
    tests: { file: LIKE_BUCKETS, name: 'refused by its name' },
  },
  {
    without: 'listing a time series without buckets',
    file: 'src/engine/catalog/read-catalog.ts',
    replace: "entry.type === 'timeseries' && entry.uuid === undefined;",
    by: "entry.type === 'timeseries';",
    tests: { file: NEWER, name: 'as MongoDB 9.0 lists it' },
  },
  {
    without: 'looking for time series whose events a source of MongoDB 9.0 hides',
    file: 'src/engine/capture/followed-catalog.ts',
    replace: 'return isSharded(this.#context.source) || !this.#context.sourceFeatures.showsTimeSeries;',
    by: 'return isSharded(this.#context.source);',
    tests: { file: NEWER, name: 'appears without an event' },
  },
  {
    without: 'refusing events that no rule knows',
    file: 'src/engine/capture/change-event.ts',
    replace: "if (database !== '' && !isOfUsers(event)) return event;",
    by: 'return event;',
    tests: { file: NEWER, name: 'an unknown event' },
  },
  {
    without: 'refusing operations of the oplog that no rule knows',
    file: 'src/engine/capture/hidden-writes.ts',
    replace: '      await refuseUnknown(source, timeOf(entry));\n',
    by: '',
    tests: { file: NEWER, name: 'an unknown operation of the oplog' },
  },
  {
    without: 'refusing to build an index with a field that no rule knows',
    file: 'src/engine/collections/index-keeper.ts',
    replace: '    refuseUnknown(collection, originals);\n',
    by: '',
    tests: { file: NEWER, name: 'waits for an index with an unknown field' },
  },
  {
    without: 'refusing servers that are newer than those modelled',
    file: 'src/engine/preflight/checks/versions.ts',
    replace: 'return !acceptUntriedVersion && compareVersions(mongoDBVersion, NEWEST_MODELLED) > 0;',
    by: 'return !acceptUntriedVersion && compareVersions(mongoDBVersion, NEWEST_MODELLED) > 9;',
    tests: { file: NEWER, name: 'newer than MongoDB 9.0' },
  },
];
