import type { Mutant } from './mutant.ts';

const FINISH = 'test/engine/run/finish-without-source.test.ts';
const USERS_INDEXES = 'test/engine/cutover/indexes-of-users.test.ts';
const WITHOUT_SOURCE = 'src/engine/run/without-source.ts';
const FINISH_CUTOVER = 'src/engine/cutover/finish-cutover.ts';
const RESTORE = 'src/engine/cutover/restore-catalog.ts';

/** Each removes one rule of the end of a committed cutover, also without its source. */
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
  {
    without: 'expiry and refused duplicates before a destination is opened',
    file: FINISH_CUTOVER,
    replace: '  timeline.count({ commands: await restoreCatalog(context, own) });\n',
    by: '  void own;\n',
    tests: { file: USERS_INDEXES, name: 'before it opened the destination' },
  },
  {
    without: 'leaving an index that users made again with another key',
    file: RESTORE,
    replace: ' && isPreparedUnique(present) && sameButForWeakening(spec, present);',
    by: ' && isPreparedUnique(present);',
    tests: { file: USERS_INDEXES, name: 'stay as they made them' },
  },
  {
    without: 'leaving an index into which users have brought duplicates',
    file: RESTORE,
    replace: 'new Set([INVALID_OPTIONS, CANNOT_CONVERT_INDEX_TO_UNIQUE])',
    by: 'new Set([INVALID_OPTIONS])',
    tests: { file: USERS_INDEXES, name: 'stay as they made them' },
  },
  {
    without: 'the report of indexes that the end of a cutover leaves',
    file: FINISH_CUTOVER,
    replace: "  await log.advanceCutover('destination opened', { indexesLeft });\n",
    by: '  void indexesLeft;\n',
    tests: { file: USERS_INDEXES, name: 'stay as they made them' },
  },
  {
    without: 'leaving what users have changed on a destination that was opened by hand',
    file: 'src/engine/cutover/unchanged-collections.ts',
    replace: ' && changed !== undefined && !changed.has(destinationUuid.toHexString(false));',
    by: ' && changed !== undefined;',
    tests: { file: USERS_INDEXES, name: 'opened by hand' },
  },
  {
    without: 'restoring what no one has changed on a destination that was opened by hand',
    file: FINISH_CUTOVER,
    replace: 'await unchangedCollections(context, cutover?.writtenTo) : [];',
    by: '[] : [];',
    tests: { file: USERS_INDEXES, name: 'opened by hand' },
  },
  {
    without: 'leaving the block of a destination that was open',
    file: FINISH_CUTOVER,
    replace: 'if (closed && !isOpen) await openDestination(context);',
    by: 'if (closed) await openDestination(context);',
    tests: { file: USERS_INDEXES, name: 'lifts no block' },
  },
  {
    without: 'the opening on record',
    file: FINISH_CUTOVER,
    replace: '  if (log.record.cutover?.canWriteAtMs !== undefined) return true;\n',
    by: '',
    tests: { file: USERS_INDEXES, name: 'lifts no block' },
  },
];
