import type { Mutant } from './mutant.ts';

const RULES = 'test/engine/run/rules.test.ts';
const FENCE = 'test/engine/mongodb/fence.test.ts';
const WATCHDOG = 'test/engine/cutover/watchdog.test.ts';
const LAST_LOOK = 'test/engine/cutover/last-look.test.ts';
const AFTER_COMMIT = 'test/engine/cutover/written-after-commit.test.ts';
const SLOW_MAJORITY = 'test/engine/cutover/slow-majority.test.ts';
const BLOCK_OWNER = 'test/engine/cutover/block-owner.test.ts';
const BLOCK_HISTORY = 'test/engine/cutover/block-history.test.ts';
const CLAIM = 'test/engine/cutover/source-claim.test.ts';

/** Each removes one rule that keeps a cutover from losing a write, from leaving both sides writable, or from leaving none writable. */
export const OF_CUTOVER: readonly Mutant[] = [
  {
    without: 'the barrier of the last look',
    file: 'src/engine/cutover/last-look.ts',
    replace: 'await holdAt(context, stream, time);',
    by: 'await stream.hold(context.signal);',
    tests: { file: LAST_LOOK, name: 'after the drain' },
  },
  {
    without: 'blocking the source before the drain',
    file: 'src/engine/cutover/source-block.ts',
    replace: 'const set = await tryToBlockWrites(source, limit.limitMs);',
    by: 'const set: { setAt?: Timestamp } = {};',
    tests: { file: 'test/engine/run/live-migration.test.ts', name: 'least-privilege' },
  },
  {
    without: 'the intent on record before the source is blocked',
    file: 'src/engine/cutover/source-block.ts',
    replace:
      "  await log.advanceCutover('block announced', { claim: claim.id, attempts, timeline: timeline.attempts });\n",
    by: '',
    tests: { file: RULES, name: 'left behind is lifted' },
  },
  {
    without: 'the point of no return on record before the destination opens',
    file: 'src/engine/cutover/last-look.ts',
    replace:
      "  await log.advanceCutover('committed', { ...fields, ...(watched ? { drainedTo: stream.safeToken } : {}) });\n",
    by: '',
    tests: { file: RULES, name: 'past the point of no return' },
  },
  {
    without: 'a watchdog while the source is blocked',
    file: 'src/engine/cutover/watchdog.ts',
    replace: '  stdout.destroy();\n',
    by: '  child.kill();\n  stdout.destroy();\n',
    tests: { file: 'test/engine/cutover/watchdog.test.ts' },
  },
  {
    without: 'the last look at the destination before the point of no return',
    file: 'src/engine/cutover/cut-over.ts',
    replace: 'allEnded([confirmClaim(last, claim, blocked), confirmDestination(last)])',
    by: 'confirmClaim(last, claim, blocked)',
    tests: { file: FENCE, name: 'somebody dropped' },
  },
  {
    without: "the watchdog's check for the point of no return",
    file: 'src/engine/cutover/open-abandoned-source.ts',
    replace: ", 'cutover.committed': false };",
    by: ' };',
    tests: { file: WATCHDOG },
  },
  {
    without: 'waiting until nobody writes to a source that is not blocked',
    file: 'src/engine/cutover/cut-over.ts',
    replace: '    if (look.count > 0) throw',
    by: '    if (look.count < 0) throw',
    tests: { file: LAST_LOOK, name: 'after the drain' },
  },
  {
    without: "the watchdog's check of the owner before it opens the source",
    file: 'src/engine/cutover/open-abandoned-source.ts',
    replace: "    if (taken === 'refused') return false;\n",
    by: '',
    tests: { file: WATCHDOG },
  },
  {
    without: 'skipping collections that applications have dropped on the open destination',
    file: 'src/engine/cutover/restore-catalog.ts',
    replace: 'if (!isGone(error)) throw error;',
    by: 'throw error;',
    tests: { file: 'test/engine/cutover/destination-open.test.ts' },
  },
  {
    without: 'leaving the watchdog to act while the block is not settled',
    file: 'src/engine/cutover/watchdog.ts',
    replace: 'if (cutover?.committed || !cutover?.blocking) standDown();',
    by: 'standDown();',
    tests: { file: 'test/engine/cutover/watchdog.test.ts' },
  },
  {
    without: 'the deadline of a write pause',
    file: 'src/engine/cutover/cut-over.ts',
    replace: 'const pause = within(context, AbortSignal.any([late, calledOff]))',
    by: 'const pause = within(context, calledOff)',
    tests: { file: 'test/engine/cutover/cutover.test.ts', name: 'before its deadline' },
  },
  {
    without: 'checking that the block survives an election',
    file: 'src/engine/cutover/cut-over.ts',
    replace: 'time.then(() => confirmBlock(parts, blocked));',
    by: 'time;',
    tests: { file: 'test/engine/cutover/cutover.test.ts', name: 'elects another primary' },
  },
  {
    without: 'taking a cutover back until the moment in which its commit is sent',
    file: 'src/engine/cutover/cut-over.ts',
    replace: "  calledOff.throwIfAborted();\n  timeline.begin('commit');",
    by: "  timeline.begin('commit');",
    tests: { file: 'test/engine/cutover/abort.test.ts', name: 'each step' },
  },
  {
    without: 'refusing an abort once the commit was sent',
    file: 'src/engine/migration.ts',
    replace: 'run.log.record.cutover?.committed || run.log.commitWasSent',
    by: 'run.log.record.cutover?.committed',
    tests: { file: 'test/engine/cutover/abort.test.ts', name: 'same moment' },
  },
  {
    without: 'opening the source in a rehearsal before its steps have ended',
    file: 'src/engine/cutover/rehearse.ts',
    replace: '    await orAbort(steps, over);\n',
    by: '    await steps;\n',
    tests: { file: 'test/engine/cutover/rehearsal.test.ts', name: 'names the step' },
  },
  {
    without: 'looking for writes under the block',
    file: 'src/engine/cutover/cut-over.ts',
    replace: 'if (look.count === 0) {',
    by: 'if (look.count >= 0) {',
    tests: { file: LAST_LOOK, name: 'give up at once' },
  },
  {
    without: 'the position of the point of no return on record',
    file: 'src/engine/cutover/last-look.ts',
    replace: 'watched ? { drainedTo: stream.safeToken } : {}',
    by: '{}',
    tests: { file: AFTER_COMMIT, name: 'a warning of the migration' },
  },
  {
    without: 'the alarm of writes after the commit on record',
    file: 'src/engine/cutover/watch-after-commit.ts',
    replace: "  await log.advanceCutover('late writes counted', { writtenAfterCommit });\n",
    by: '',
    tests: { file: AFTER_COMMIT, name: 'a warning of the migration' },
  },
  {
    without: 'the position at which the watch after the commit resumes',
    file: 'src/engine/cutover/source-watch.ts',
    replace: 'new ChangeStream(parts, { _data: this.#state.token })',
    by: 'new ChangeStream(parts, undefined)',
    tests: { file: 'test/cli/sync-source-watch.test.ts', name: 'resumes the watch' },
  },
  {
    without: 'the last barrier of the watch after the commit',
    file: 'src/engine/cutover/source-watch.ts',
    replace: 'isReached = barrier === undefined || !isBefore(batch.time, barrier);',
    by: 'isReached = true;',
    tests: { file: 'test/engine/cutover/source-watch.test.ts', name: 'however much' },
  },
  {
    without: 'a time limit of the look at a missing source after the commit',
    file: 'src/engine/cutover/watch-after-commit.ts',
    replace: 'await Promise.race([looking, clock.sleep(LAST_LOOK_WITHIN_MS, signal)]);',
    by: 'await looking;',
    tests: { file: AFTER_COMMIT, name: 'switched off' },
  },
  {
    without: "giving the write block as much time as the source's majority takes",
    file: 'src/engine/mongodb/write-block.ts',
    replace: 'const TIMES_MAJORITY = 3;',
    by: 'const TIMES_MAJORITY = 0;',
    tests: { file: SLOW_MAJORITY },
  },
  {
    without: 'leaving a write block of another migration or of a user in place',
    file: 'src/engine/cutover/source-claim.ts',
    replace: 'if (lifts) await unblockWrites(source);',
    by: 'await unblockWrites(source);',
    tests: { file: BLOCK_OWNER, name: 'gives up its cutover leaves the source' },
  },
  {
    without: "distinguishing another migration's block from its own",
    file: 'src/engine/cutover/block-history.ts',
    replace: "if (holder.step !== 'committing' || ageSeconds <= COMMITTING_LASTS_SECONDS) return state;",
    by: '',
    tests: { file: BLOCK_OWNER, name: 'the second waits, and begins' },
  },
  {
    without: 'giving the block to the first of two simultaneous claims',
    file: 'src/engine/cutover/source-claim.ts',
    replace: "if (!isHeldBy(state, claim)) return { outcome: 'refused', holder: state.holder };",
    by: '',
    tests: { file: CLAIM, name: 'decide between engines' },
  },
  {
    without: 'the terms of engines in their claims',
    file: 'src/engine/cutover/block-history.ts',
    replace: 'claim.term >= holder.term',
    by: 'true',
    tests: { file: BLOCK_HISTORY, name: 'never an earlier one' },
  },
  {
    without: 'the note of a commit under which a block stays',
    file: 'src/engine/cutover/cut-over.ts',
    replace: 'const told = tellCommitted(context, log);',
    by: 'const told = Promise.resolve();',
    tests: { file: BLOCK_OWNER, name: 'gives up its cutover leaves the source' },
  },
  {
    without: 'the last look at the block before the commit',
    file: 'src/engine/cutover/cut-over.ts',
    replace: 'allEnded([confirmClaim(last, claim, blocked), confirmDestination(last)])',
    by: 'confirmDestination(last)',
    tests: { file: BLOCK_OWNER, name: 'lifts and sets again' },
  },
  {
    without: 'the last look at the block without access to the oplog',
    file: 'src/engine/cutover/source-block.ts',
    replace: "if ((await retrier.run('the source', () => writesAreBlocked(source))) === false)",
    by: "if ((await retrier.run('the source', () => writesAreBlocked(source))) === undefined)",
    tests: { file: BLOCK_OWNER, name: 'lifts before the commit' },
  },
  {
    without: 'waiting when the owner of the block is unknown',
    file: 'src/engine/cutover/source-block.ts',
    replace: 'if (await writesAreBlocked(source))\n',
    by: "if (obstacle !== 'unseen')\n",
    tests: { file: BLOCK_OWNER, name: 'gives up its cutover leaves the source' },
  },
  {
    without: 'cancelling a commit when somebody opens the source',
    file: 'src/engine/cutover/block-history.ts',
    replace: "|| holder.step === 'opening') return state;",
    by: ') return state;',
    tests: { file: BLOCK_HISTORY, name: 'goes to whichever came first' },
  },
  {
    without: "the watchdog's rule to keep the source blocked while a commit may have been sent",
    file: 'src/engine/cutover/block-history.ts',
    replace: "      if (holder.step === 'committing' && event.step === 'opening') return state;\n",
    by: '',
    tests: { file: BLOCK_HISTORY, name: 'goes to whichever came first' },
  },
  {
    without: "the watchdog's opening of a source whose destination is lost",
    file: 'src/engine/cutover/open-abandoned-source.ts',
    replace: "await takeover.take().catch(() => 'unknown' as const);",
    by: 'await takeover.take();',
    tests: { file: WATCHDOG },
  },
  {
    without: 'checking again after a sleep before a block is lifted',
    file: 'src/engine/cutover/source-claim.ts',
    replace: '  confirmInTime();\n',
    by: '',
    tests: { file: CLAIM, name: 'decide between engines' },
  },
  {
    without: 'opening a source whose destination is lost in the write pause',
    file: 'src/engine/cutover/source-block.ts',
    replace: "if (outcome !== 'unseen') return outcome;",
    by: '',
    tests: { file: 'test/engine/cutover/destination-lost.test.ts' },
  },
  {
    without: 'checking that a killed cutover still holds the block before it is lifted',
    file: 'src/engine/cutover/source-block.ts',
    replace: '  if (isOurs) await reopenSource(context, log, { claim, unexplained });',
    by: '  if (isOurs) await unblockWrites(source);',
    tests: { file: BLOCK_OWNER, name: 'was killed in its cutover' },
  },
  {
    without: 'taking over the users and roles of earlier migrations at the commit',
    file: 'src/engine/cutover/cut-over.ts',
    replace:
      "  if (context.movesAccounts) await context.retrier.run('the destination', () => context.accounts.adopt());\n",
    by: '',
    tests: { file: 'test/engine/accounts/owner-of-accounts.test.ts' },
  },
];
