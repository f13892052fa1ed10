import type { Mutant } from './mutant.ts';

const FINISH = 'test/engine/run/finish-without-source.test.ts';
const WITHOUT_SOURCE = 'src/engine/run/without-source.ts';

/** Each removes one rule of a committed cutover that is finished without its source. */
export const OF_FINISHING: readonly Mutant[] = [
  {
    without: 'waiting for a source that is back before long',
    file: 'src/engine/run/opening.ts',
    replace: 'this.#waitsSince < COMMITTED_WAITS_MS;',
    by: 'this.#waitsSince < COMMITTED_WAITS_MS - Infinity;',
    tests: { file: FINISH, name: 'that is back before long' },
  },
  {
    without: 'finishing a committed cutover whose source is gone',
    file: WITHOUT_SOURCE,
    replace: 'if (endingDirection(own) === reversals) {',
    by: 'if (reversals < 0) {',
    tests: { file: FINISH, name: 'refuses the user does not keep' },
  },
  {
    without: 'the checks of a destination that is finished alone',
    file: WITHOUT_SOURCE,
    replace: '    if (finding !== undefined) throw finding.error;\n',
    by: '',
    tests: { file: FINISH, name: 'a destination that refuses' },
  },
  {
    without: 'a look for the commit of a return on the side that gets its users',
    file: WITHOUT_SOURCE,
    replace: '  if (ending > reversals) throw new OtherDirection(ending + 1);\n',
    by: '',
    tests: { file: FINISH, name: 'a return is finished' },
  },
  {
    without: 'a look for the commit after a migration was taken without its source',
    file: 'src/engine/run/take-migration.ts',
    replace:
      "  if (lacksSource?.act === 'finish the cutover' && record.cutover?.committed !== true)\n    throw new UserError('SOURCE_UNREACHABLE', [lacksSource.reason]);\n",
    by: '',
    tests: { file: FINISH, name: 'a commit that the destination loses' },
  },
];
