/**
 * Test files that take about a minute on two busy cores. `npm run test:long` runs them, as `.ci/run` does, so that `npm test` lasts less.
 */
export const LONG_FILES: readonly string[] = [
  'test/cli/dialler-process.test.ts',
  'test/cli/hostile-destinations.test.ts',
  'test/cli/killed-writes.test.ts',
  'test/end-to-end/push.test.ts',
  'test/engine/conversions.test.ts',
  'test/engine/cutover/block-owner.test.ts',
  'test/engine/cutover/destination-lost.test.ts',
  'test/engine/destination-owner.test.ts',
  'test/engine/failures.test.ts',
  'test/engine/fixed-catalog.test.ts',
  'test/engine/hidden-writes.test.ts',
  'test/engine/kill-again.test.ts',
  'test/engine/kill.test.ts',
  'test/engine/large-changes.test.ts',
  'test/engine/last-look.test.ts',
  'test/engine/lost-history.test.ts',
  'test/engine/restarts.test.ts',
  'test/engine/rules.test.ts',
  'test/engine/silent-servers.test.ts',
  'test/engine/unshown-drops.test.ts',
  'test/engine/watchdog.test.ts',
];
