import type { MutantTable } from './mutant.ts';
import { keep, operator, remove, replace } from './operations.ts';

/** Rules of the comparisons, of their repairs, and of what a report may claim. */
export const OF_VERIFICATION: MutantTable = {
  'test/engine/compare-clusters/capped-order.test.ts': [
    [
      'retry-when-many-alone',
      replace('return { disorder: undefined, digests: undefined };', 'statement'),
      'too many documents',
    ],
    ['retry-order-after-failover', replace('($(function))()', 'call'), 'ended with a failover'],
    ['retry-order-without-result', replace('$() = clock.elapsed()'), 'ended with a lost cursor'],
    ['unordered-is-undecided', remove('operand 3'), 'an order that cannot be compared'],
  ],
  'test/engine/compare-clusters/changed-while-read.test.ts': [
    ['change-while-reading', remove(), 'is read once more'],
    ['change-while-reading', keep('call', 'statement'), 'a change before the time of a result'],
    [
      'change-withdraws-verdict',
      replace('$(name) !== undefined && !$(name 3)($(name).times)'),
      'while another one is judged',
    ],
    ['repair-notices-change', remove(), 'does not write what it has read before'],
  ],
  'test/engine/compare-clusters/digest-cluster.test.ts': [
    ['digest-time-covered', replace('true'), 'majority that lags behind'],
    ['digest-resumes-behind-last', remove(), 'lost cursors and a step-down'],
    ['digest-not-at-one-time', remove('operand'), 'snapshot the server drops'],
    ['digest-notices-writes', replace('$(name) === $(name 4)'), 'capped collection has a digest'],
    ['digest-notices-catalog-changes', remove('operand'), 'users and roles says when'],
    ['digest-of-unseen-writes', remove(), 'may not open a change stream'],
  ],
  'test/engine/verify/digests.test.ts': [
    ['always-read-collections', keep('operand 2', 'condition')],
    ['only-equal-digests-skip', remove()],
    ['only-equal-digests-skip', keep('operand', 'condition')],
    ['digest-after-own-writes', replace('{ t: 0, i: 0 }')],
    ['digest-answer-is-bounded', replace('$(name 3)')],
    ['digest-of-same-cluster', remove()],
    ['digest-user-data-only', remove()],
  ],
  'test/engine/compare-clusters/many-changes.test.ts': [
    ['bounded-pending-keys', remove(), 'faster than they are compared'],
    ['streams-pass-slowly', replace('() => false', 'value'), 'the destination lags'],
    ['crowded-pair-anew', replace('undefined'), 'the destination lags'],
  ],
  'test/engine/compare-clusters/unique-repairs.test.ts': [
    ['external-stays-external', remove('operand 2'), 'only the destination changes'],
  ],
  'test/engine/compare-clusters/external-repairs.test.ts': [
    ['leave-destination-only-changes', remove('operand'), 'a repair leaves what only the destination changes'],
    ['own-repair-or-external-write', replace("$(name)?.hash === 'none'"), 'what the source changed meanwhile'],
  ],
  'test/engine/compare/clustered-reads.test.ts': [['clustered-hint', remove(), 'before 6.0']],
  'test/engine/compare-clusters/side-stream.test.ts': [
    ['pass-first-token', replace('$(name) !== undefined'), 'at the very time of a new stream'],
  ],
  'test/engine/compare-clusters/refused-repairs.test.ts': [
    ['open-failback-refuses-repairs', replace('$() && $(name 2).state === undefined'), 'waits until the failback'],
    ['source-records-refuse-repairs', replace('[]'), 'may not read the records'],
    ['recheck-repair-permission', replace('$(name) !== $(name 2)'), 'a migration that begins'],
    ['refuse-after-cutover-from-source', replace('false', 'operand 2'), 'a cutover from this source'],
    ['refuse-after-cutover-from-source', remove('operand'), 'that may be from this source'],
    ['no-repair-beside-other-version', remove(), 'a record of another version'],
    ['no-repair-from-other-version', remove(), 'a record of another version'],
    ['refuse-unfinished-copy', replace('$(name 3).state === undefined', 'condition 2'), 'has copied the source'],
  ],
  'test/engine/compare-clusters/repair-beside.test.ts': [
    ['migrations-in-repair-transaction', remove(), 'not even in the first second'],
    ['repair-conflicts-with-taking', remove(), 'before a repair, or after it'],
    ['running-engine-refuses-repairs', keep('operand'), 'not even in the first second'],
  ],
  'test/engine/compare-clusters/resumed.test.ts': [
    ['resume-before-first-reply', keep('branch'), 'is found by the third'],
  ],
  'test/engine/compare/catalog-differences.test.ts': [
    ['ignore-sparse-false', remove(), 'made by different paths'],
    ['one-number-type-in-settings', keep('argument 2', 'choice'), 'made by different paths'],
    ['foreign-or-remapped-database', remove(), 'filters and remaps decide'],
  ],
  'test/engine/verify/capped-on-destination.test.ts': [
    ['capped-order-unverified', remove('operand 2'), 'without verification, all keys'],
    [
      'discards-on-source',
      replace('$(name) !== undefined && $(name 5).length === 0'),
      'takes its place at the cutover',
    ],
    ['compare-written-capped-order', remove(), 'in the place of another'],
  ],
  'test/engine/verify/compare-order.test.ts': [
    ['pass-newest-capped', remove(), 'newer documents on the source'],
    ['look-behind-capped-difference', replace('true'), 'in the middle missing'],
    [
      'forget-compared-keys',
      replace(
        '((globalThis as { kept?: string[] }).kept ??= []).push($(name).identity, $(name 2).identity); $()',
        'rule',
      ),
      'no memory for each document',
    ],
    ['discarded-while-read', replace('true', 'condition'), 'faster than they are read'],
  ],
  'test/engine/verify/crowded-rechecks.test.ts': [
    ['several-rechecks-of-collection', replace('this.#running.size > 0', 'condition'), 'in several batches at a time'],
    ['forget-waiting-comparison', replace('this.#underWay', 'receiver'), 'waits for its turn'],
    ['pass-one-event', remove()],
    ['compare-crowded-anew', replace('this.#passesOne = $(name) !== undefined;', 'rule')],
  ],
  'test/engine/verify/early-discards.test.ts': [
    ['discards-are-oldest', replace('false', 'operand 2'), 'one in the middle'],
    ['discards-are-oldest', keep('operand'), 'the oldest ones that the source still has'],
  ],
  'test/engine/verify/examined.test.ts': [
    ['clustered-key-by-key', replace('true', 'condition')],
    ['bounds-of-clustered-range', replace('find', 'value')],
  ],
  'test/engine/verify/hidden-proof.test.ts': [
    ['equal-up-to-search', replace('this.#watermark.safe.time', 'branch'), 'nothing is said to be equal'],
    ['wait-for-unstreamed-comparison', remove('operand'), 'a cutover waits'],
  ],
  'test/engine/verify/lost-history-rechecks.test.ts': [
    ['drop-suspect-keys', remove()],
    ['forget-suspect-verification', replace('void $(name)')],
  ],
  'test/engine/verify/lost-history.test.ts': [
    ['mark-suspect-collections', remove(), 'goes round'],
    ['repair-destination-only', replace('$(call) === false'), 'goes round'],
    ['repair-source-only', remove(), 'goes round'],
    ['ready-after-repairs', remove('operand 2'), 'goes round'],
  ],
  'test/engine/verify/recheck-queue.test.ts': [
    ['bound-key-bytes', remove('operand 2'), 'large keys'],
    ['ignore-stale-result', remove()],
    ['detach-waiting-keys', keep('argument', 'rule')],
  ],
  'test/engine/verify/verification-resume.test.ts': [
    ['compare-anew-after-gap', replace('$(name 2) !== $(name 3)', 'argument')],
    ['destination-position-on-record', remove()],
    ['forget-gone-collection', remove()],
    ['count-killed-run-once', replace('$(name 2)?.open === undefined && $(name 4).has($(name 5))')],
    ['reread-external-writes', remove('operand 2')],
    ['position-after-settled-keys', remove(), 'continues before a key'],
  ],
  'test/engine/verify/verification.test.ts': [
    ['wait-for-comparison-time', remove()],
    ['oplog-overwritten-while-read', remove()],
    ['look-at-destination', remove()],
    ['settled-before-commit', remove('operand 2')],
    ['stop-when-differing', replace('false')],
    ['refuse-while-differing', operator('<', 'value')],
    ['catalogs-before-cutover', remove('operand')],
    ['reported-difference-ends-cutover', remove()],
    ['count-killed-run-once', remove('operand 3')],
  ],
  'test/engine/verify/verified-ranges.test.ts': [
    ['compare-behind-last-key', remove('element 2')],
    ['refuse-missing-ranges', replace('$(name 2).n >= $(name 4) || $(operand 2)', 'operation')],
  ],
};
