import type { MutantTable } from './mutant.ts';
import { keep, operator, remove, replace } from './operations.ts';

/** Rules that keep a cutover from losing a write, and from leaving both sides writable or none. */
export const OF_CUTOVER: MutantTable = {
  'test/engine/cleanup/cleanup.test.ts': [
    ['empty-stored-functions', remove(), 'goes without anything else'],
    ['keep-foreign-functions', replace('true'), 'goes without anything else'],
  ],
  'test/engine/cutover/abort.test.ts': [
    ['abort-before-commit', remove(), 'each step'],
    ['refuse-abort-after-commit', replace('$(operand) && $(operand 3)'), 'same moment'],
    ['abort-answered-when-open', replace('context.signal.aborted', 'operand'), 'stopped meanwhile'],
    ['abort-answered-when-open', remove('operand 3'), 'started again after a kill'],
  ],
  'test/engine/cutover/block-history.test.ts': [
    ['terms-in-claims', replace('true'), 'never an earlier one'],
    ['opened-source-cancels-commit', keep('operand'), 'goes to whichever came first'],
    ['no-opening-while-committing', remove(), 'goes to whichever came first'],
  ],
  'test/engine/cutover/block-with-reason.test.ts': [['wait-for-block-with-reason', remove()]],
  'test/engine/cutover/block-of-destination.test.ts': [
    ['block-of-unknown-age', keep('operand'), 'whose entry the oplog no longer has'],
    ['leave-block-to-failback', replace('{ $exists: false }'), 'no one cuts over from an old source'],
    ['block-used-by-another', remove(), 'a failback ends when another migration'],
    ['leave-block-to-committed-cutover', remove('value'), 'only after its block was lifted'],
    ['tell-waiting-migrations', remove(), 'only after its block was lifted'],
  ],
  'test/engine/cutover/block-owner.test.ts': [
    ['report-blocked-source', remove(), 'set by hand'],
    ['leave-foreign-block', keep('await', 'rule'), 'gives up its cutover leaves the source'],
    ['foreign-block-in-history', remove(), 'the second waits, and begins'],
    ['note-of-commit', replace('Promise.resolve()'), 'gives up its cutover leaves the source'],
    ['last-look-at-destination', remove('element'), 'lifts and sets again'],
    ['last-look-without-oplog', replace('(await $(call)) === undefined'), 'lifts before the commit'],
    ['wait-for-unknown-block', remove(), 'gives up its cutover leaves the source'],
    ['killed-cutover-holds-block', replace('unblockWrites(source)', 'call'), 'was killed in its cutover'],
  ],
  'test/engine/cutover/capped-in-pause.test.ts': [
    ['differing-ends-end-pause', remove(), 'whose ends differ'],
    ['copied-once-for-ends', keep('operand'), 'than the size of a capped collection allows'],
    ['pause-bounds-comparison', replace('context', 'argument 3'), 'falls silent'],
    ['refuse-external-capped-writes', remove('call'), 'is not committed'],
  ],
  'test/engine/cutover/cutover.test.ts': [
    ['write-pause-deadline', keep('element 2', 'argument 2'), 'before its deadline'],
    ['block-survives-election', keep('receiver'), 'elects another primary'],
  ],
  'test/engine/cutover/destination-lost.test.ts': [['open-without-destination', remove()]],
  'test/engine/cutover/destination-open.test.ts': [['skip-dropped-collections', remove('operand')]],
  'test/engine/cutover/indexes-of-users.test.ts': [
    ['restore-catalog-before-opening', remove(), 'before it opened the destination'],
    ['leave-rebuilt-index', keep('operation'), 'stay as they made them'],
    ['leave-duplicate-index', remove('element 2'), 'stay as they made them'],
    ['report-left-indexes', remove(), 'stay as they made them'],
    ['leave-changed-collections', keep('operation', 'rule'), 'opened by hand'],
    ['restore-unchanged-collections', replace('[]', 'await'), 'opened by hand'],
    ['leave-open-block', keep('operand'), 'lifts no block'],
    ['opening-on-record', remove(), 'lifts no block'],
  ],
  'test/engine/cutover/last-look.test.ts': [
    ['catalog-changes-in-last-look', replace('$(name 5) === $(name 6)'), 'after the drain'],
    ['close-intake-after-last-look', remove(), 'between the last look and the commit'],
    ['commit-before-opening', remove(), 'between the last look and the commit'],
    ['barrier-of-last-look', replace('await $(name 3).hold($(name 2).signal)'), 'after the drain'],
    ['wait-for-quiet-source', operator('<', 'value'), 'after the drain'],
    ['writes-under-block', operator('>=', 'value'), 'give up at once'],
    ['compare-changed-catalog', remove(), 'a definition that another client'],
  ],
  'test/engine/cutover/missing-collection.test.ts': [
    ['wait-for-new-collection', replace('false', 'branch 2'), 'only makes the cutover wait'],
    ['wait-for-new-collection', replace('false', 'branch'), 'a copy with once waits for'],
  ],
  'test/engine/cutover/no-majority.test.ts': [
    ['open-without-majority', replace('true', 'condition'), 'loses its majority'],
    ['lift-without-majority', replace('true', 'condition'), 'for an engine that is gone'],
    ['lift-again-on-new-primary', remove(), 'without the lift'],
    ['ask-again-for-lift', remove(), 'waits for the majority says so'],
  ],
  'test/engine/cutover/once.test.ts': [
    [
      'settle-capped-once',
      replace('(stream.release(), { again: [], shorter: [], unordered: [] })'),
      'discard on their own',
    ],
    ['once-compares-again', keep('operand', 'condition'), 'at the end of a copy'],
  ],
  'test/engine/cutover/plain-twins.test.ts': [
    ['unique-index-first', replace('[]'), 'stands for both'],
    ['twin-comes-later', keep('branch 2', 'choice'), 'stands for both'],
    ['build-plain-twins', remove(), 'by the engine that finishes the cutover'],
  ],
  'test/engine/cutover/refused-in-pause.test.ts': [['suspect-collection-ends-pause', remove()]],
  'test/engine/cutover/rehearsal.test.ts': [
    ['rehearsal-opens-early', keep('argument', 'call'), 'names the step'],
    ['owner-after-slow-rehearsal', remove(), 'slept does not lift'],
    ['rehearse-when-ready', keep('operand', 'condition'), 'ordered during the copy'],
  ],
  'test/engine/cutover/report-reservations.test.ts': [
    ['reserve-unseen-writes', remove('operand'), 'the right to read the oplog'],
    ['warnings-after-commit', remove(), 'what others wrote'],
    ['uncertain-capped-on-record', replace('$(name 5): $(name 5)([])', 'property'), 'changed whenever it was compared'],
    ['once-compares-again', remove('operand'), 'compares a capped collection again'],
  ],
  'test/engine/cutover/settle-block.test.ts': [
    ['settle-under-own-claim', remove(), 'stopped while it opens'],
    ['keep-unsettled-block-on-record', remove(), 'leaves that to the next'],
  ],
  'test/engine/cutover/settle-capped.test.ts': [
    ['reordered-while-compared', remove('operand 2'), 'a small order that may have changed since'],
    ['reordered-ends-pause', remove(), 'a large order that may have changed since'],
    ['small-order-in-pause', replace('result'), 'a small order that differs'],
  ],
  'test/engine/cutover/slow-majority.test.ts': [['block-time-by-majority', replace('0')]],
  'test/engine/cutover/source-claim.test.ts': [
    ['first-claim-wins', remove(), 'decide between engines'],
    ['check-time-after-sleep', remove(), 'decide between engines'],
  ],
  'test/engine/cutover/source-watch.test.ts': [
    ['last-barrier-of-watch', replace('true'), 'however much'],
    ['same-set-while-watched', remove(), 'another replica set'],
    ['unknown-set-while-watched', remove('operand 2'), 'which replica set answers'],
    ['watch-account-changes', remove(), 'changes of users and roles'],
  ],
  'test/engine/cutover/spare-watchdog.test.ts': [
    ['spare-watchdog-must-run', replace('$(operand)', 'condition'), 'was killed'],
    ['watchdog-that-never-starts', keep('element 1', 'argument'), 'ends at its start'],
  ],
  'test/engine/cutover/taken-lock.test.ts': [['retry-lock-failed', remove(), 'its global lock is taken']],
  'test/engine/cutover/timeline.test.ts': [['first-attempt-of-order', keep('operand'), 'accounts for all of its time']],
  'test/engine/cutover/waits-end.test.ts': [
    ['release-after-abort', remove(), 'continues following'],
    ['cancel-ends-checks', remove(), 'is cancelled although its source is lost'],
    ['unanswered-block-ends-attempt', replace('$(name 2) !== undefined'), 'set without an answer'],
  ],
  'test/engine/cutover/watchdog.test.ts': [
    ['term-in-record-writes', remove('property 3')],
    ['watchdog-while-blocked', replace('child.kill(); $()', 'rule')],
    ['watchdog-must-run', remove(), 'once the watchdog'],
    ['watchdog-deadline-starts-at-block', replace("{ value: 'alive' }")],
    ['watchdog-checks-commit', remove('property 2')],
    ['watchdog-checks-owner', remove()],
    ['watchdog-acts-until-settled', replace('true')],
    ['watchdog-opens-without-destination', keep('call', 'call')],
    ['watchdog-keeps-block-on-record', keep('operand')],
  ],
  'test/engine/cutover/written-after-commit.test.ts': [
    ['commit-position-on-record', replace('false', 'value'), 'a warning of the migration'],
    ['late-writes-on-record', remove(), 'a warning of the migration'],
    ['look-without-source-is-bounded', keep('element', 'call'), 'switched off'],
  ],
  'test/engine/report/cutover-attempts.test.ts': [['growing-pauses-between-attempts', replace('$(name 5).firstMs')]],
  'test/engine/report/earlier-failures.test.ts': [
    ['forget-failure-in-memory', remove(), 'the failure of an earlier run'],
    ['hide-old-failure', remove('operand'), 'the failure of an earlier run'],
  ],
  'test/engine/report/honest-readiness.test.ts': [
    ['wait-for-comparisons', remove('value'), 'held at'],
    ['new-barriers-after-pause', remove(), 'paused and resumed'],
    ['own-barriers-only', keep('statement', 'rule'), 'after a restart'],
  ],
  'test/engine/report/readiness.test.ts': [['lag-gate-age', keep('operand'), 'each fault closes']],
};
