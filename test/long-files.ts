/** Test files that take about a minute or more alone. `npm run test:long` runs them, as `.ci/run` does; `npm test` would last too long with them. */
export const LONG_FILES: readonly string[] = [
  'test/cli/agent.test.ts',
  'test/end-to-end/push.test.ts',
  'test/engine/cutover/block-owner.test.ts',
  'test/engine/cutover/destination-lost.test.ts',
  'test/engine/kill-again.test.ts',
  'test/engine/last-look.test.ts',
  'test/engine/rules.test.ts',
  'test/engine/watchdog.test.ts',
];
