import type { Mutant } from './mutant.ts';

const ACCOUNTS = 'test/engine/accounts/users-and-roles.test.ts';

/** Each removes one rule that gives the destination the users and roles that the source has at the commit. */
export const OF_ACCOUNTS: readonly Mutant[] = [
  {
    without: 'a last look at users and roles',
    file: 'src/engine/cutover/last-look.ts',
    replace: '[lookAtData(parts, stream), bringOverAccounts(parts)]',
    by: '[lookAtData(parts, stream)]',
    tests: { file: ACCOUNTS, name: 'until the last moment' },
  },
  {
    without: 'a rehearsal that brings no users over',
    file: 'src/engine/cutover/rehearse.ts',
    replace: '{ ...context, movesAccounts: false }',
    by: 'context',
    tests: { file: ACCOUNTS, name: 'not by a rehearsal' },
  },
  {
    without: 'an alarm about users and roles that change after the commit',
    file: 'src/engine/cutover/watch-after-commit.ts',
    replace: '      for (const namespace of changedAccounts(accounts, now)) look.add(namespace, 1);\n',
    by: '',
    tests: { file: ACCOUNTS, name: 'as late writes' },
  },
  {
    without: 'a watch of the source that counts changes of users and roles',
    file: 'src/engine/cutover/source-watch.ts',
    replace: '        this.#note(changedAccounts(known, accounts));\n',
    by: '',
    tests: { file: 'test/engine/cutover/source-watch.test.ts', name: 'changes of users and roles' },
  },
];
