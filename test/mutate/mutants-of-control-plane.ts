import type { Mutant } from './mutant.ts';

/** Each removes one rule of the control plane and its store: what is acknowledged is stored, and no record is written back from an old read. */
export const OF_CONTROL_PLANE: readonly Mutant[] = [
  {
    without: 'failing the writes that wait when the disk has failed',
    file: 'src/store/sqlite/group-commit.ts',
    replace: '    for (const write of this.#waiting.splice(0)) write.fail(failure);\n',
    by: '',
    tests: { file: 'test/store/sqlite.test.ts', name: 'fails every write that waits' },
  },
];
