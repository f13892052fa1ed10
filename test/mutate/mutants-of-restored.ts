import type { Mutant } from './mutant.ts';

const BLOCK_OF_DESTINATION = 'test/engine/cutover/block-of-destination.test.ts';
const OLD_SOURCE = 'test/engine/run/old-source-restored.test.ts';
const NEW_SIDE = 'test/engine/run/new-side-restored.test.ts';

/** Each removes one rule about sides that were restored, and about two migrations from one old source. */
export const OF_RESTORED: readonly Mutant[] = [
  {
    without: 'looking on the old source for the end of the cutover',
    file: 'src/engine/run/prepare-reverse.ts',
    replace: '  await confirmLeft(context, earlier.cutover);\n',
    by: '',
    tests: { file: OLD_SOURCE, name: 'a way back is lost when its old source is restored' },
  },
  {
    without: 'going by the write block of an old source whose oplog no longer has the cutover',
    file: 'src/engine/run/prepare-reverse.ts',
    replace: 'return announced ?? (await writesAreBlocked(destination)) !== false;',
    by: 'return announced ?? true;',
    tests: { file: OLD_SOURCE, name: 'when neither the oplog nor the block' },
  },
  {
    without: 'letting an old source go whose oplog has gone round since the cutover',
    file: 'src/engine/cutover/block-notes.ts',
    replace: 'return oldest === undefined || isBefore(after, oldest.ts) ? undefined : false;',
    by: 'return oldest === undefined ? undefined : false;',
    tests: { file: OLD_SOURCE, name: 'whose oplog no longer has the cutover' },
  },
  {
    without: 'beginning a way back again whose record its old source no longer has',
    file: 'src/engine/run/migration-run.ts',
    replace: 'const isGone = found === undefined && this.context.isReversed;',
    by: 'const isGone = false;',
    tests: { file: OLD_SOURCE, name: 'begins again when its old source' },
  },
  {
    without: 'leaving the block of a committed cutover to it when a migration goes there again',
    file: 'src/engine/cutover/source-block.ts',
    replace: 'context.isReversed ? describeReliance(staked.reading.state, claim.migrationId) : undefined',
    by: 'undefined',
    tests: { file: BLOCK_OF_DESTINATION, name: 'only after its block was lifted' },
  },
  {
    without: 'telling of the migrations that waited for a way back to be closed',
    file: 'src/engine/reversible-migration.ts',
    replace: '    await this.#tellOthers();\n',
    by: '',
    tests: { file: BLOCK_OF_DESTINATION, name: 'only after its block was lifted' },
  },
  {
    without: 'holding an opposite direction whose new side went back',
    file: 'src/engine/run/lost-history.ts',
    replace: 'if (isReversed && isOfOlderState(cause)) {',
    by: 'if (isReversed && cause === null) {',
    tests: { file: NEW_SIDE, name: 'was restored while no engine ran' },
  },
  {
    without: 'holding it in the next run, when the oplog of the new side no longer shows the loss',
    file: 'src/engine/run/stream-follower.ts',
    replace: 'this.#repairs.held = this.#log.record.heldHistory != null;',
    by: '',
    tests: { file: NEW_SIDE, name: 'stays on the old side until' },
  },
  {
    without: 'reading changes only from a new side that has its history',
    file: 'src/engine/apply/apply-keys.ts',
    replace: 'context.isReversed ? history.whileConfirmed(() => fetch(name)) : fetch(name)',
    by: 'fetch(name)',
    tests: { file: NEW_SIDE, name: 'is not read from there' },
  },
  {
    without: 'keeping on record what a new primary has yet to show',
    file: 'src/engine/mongodb/seen-history.ts',
    replace: 'const seenTo = this.#expected[0] ?? this.#latest;',
    by: 'const seenTo = this.#latest;',
    tests: { file: 'test/engine/mongodb/seen-history.test.ts' },
  },
  {
    without: 'acting only on a catalog of a new side that has its history',
    file: 'src/engine/collections/reconcile.ts',
    replace:
      "  if (context.isReversed) await context.retrier.run('the source', () => historyOf(context.source).confirm());\n",
    by: '',
    tests: { file: NEW_SIDE, name: 'a catalog of a restored new side' },
  },
  {
    without: 'holding what a new side has lost when only the stream tells of it',
    file: 'src/engine/run/lost-history.ts',
    replace: ' || (cause instanceof MongoServerError && cause.code === TOKEN_NOT_FOUND)',
    by: ' || (cause instanceof MongoServerError && TOKEN_NOT_FOUND < 0)',
    tests: { file: NEW_SIDE, name: 'that only its stream tells' },
  },
  {
    without: 'counting only a confirmation that comes after the loss',
    file: 'src/engine/collections/held-history.ts',
    replace: 'this.#confirmed <= this.#held.after',
    by: 'this.#confirmed === 0',
    tests: { file: 'test/engine/run/new-side-restored.test.ts', name: 'until an operator confirms' },
  },
];
