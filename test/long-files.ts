/**
 * Test files that take about a minute on two busy cores. `npm run test:long` runs them, as `.ci/run` does, so that `npm test` lasts less.
 */
export const LONG_FILES: readonly string[] = [
  'test/cli/dialler-process.test.ts',
  'test/cli/hostile-destinations.test.ts',
  'test/cli/killed-writes.test.ts',
  'test/end-to-end/push.test.ts',
  'test/engine/capture/conversions.test.ts',
  'test/engine/cutover/block-owner.test.ts',
  'test/engine/cutover/destination-lost.test.ts',
  'test/engine/records/destination-owner.test.ts',
  'test/engine/run/failures.test.ts',
  'test/engine/capture/fixed-catalog.test.ts',
  'test/engine/capture/hidden-writes.test.ts',
  'test/engine/run/kill-again.test.ts',
  'test/engine/run/kill.test.ts',
  'test/engine/capture/large-changes.test.ts',
  'test/engine/cutover/last-look.test.ts',
  'test/engine/verify/lost-history.test.ts',
  'test/engine/run/restarts.test.ts',
  'test/engine/run/rules.test.ts',
  'test/engine/mongodb/silent-servers.test.ts',
  'test/engine/collections/unshown-drops.test.ts',
  'test/engine/cutover/watchdog.test.ts',
];
