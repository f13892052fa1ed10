import type { Mutant } from './mutant.ts';

/** Each removes one rule about the agent's link, its orders, or the files on which agent and server depend. */
export const OF_AGENT: readonly Mutant[] = [
  {
    without: 'writing the whole text before a file is replaced',
    file: 'src/platform/durable-file.ts',
    replace: 'writeFileSync(descriptor, text);',
    by: "process.getBuiltinModule('node:fs').writeSync(descriptor, text);",
    tests: { file: 'test/platform/durable-file.test.ts' },
  },
];
