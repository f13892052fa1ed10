import type { Mutant } from './mutant.ts';

const HIDDEN_PROOF = 'test/engine/verify/hidden-proof.test.ts';
const VERIFICATION = 'test/engine/verify/verification.test.ts';
const ORDER = 'test/engine/verify/compare-order.test.ts';
const RESUME = 'test/engine/verify/verification-resume.test.ts';
const LOST_HISTORY = 'test/engine/verify/lost-history-rechecks.test.ts';
const CROWDED = 'test/engine/verify/crowded-rechecks.test.ts';
const WATERMARK = 'test/engine/capture/watermark.test.ts';

/** Each removes one rule of the verification. */
export const OF_VERIFICATION: readonly Mutant[] = [
  {
    without: 'comparing keys behind the last one that was copied',
    file: 'src/engine/verify/verified-ranges.ts',
    replace: 'return [...bounds, null].map(',
    by: 'return partitions.map(({ high }) => high).map(',
    tests: { file: 'test/engine/verify/verified-ranges.test.ts' },
  },
  {
    without: 'refusing ranges of which some are missing',
    file: 'src/engine/verify/verified-ranges.ts',
    replace: '_id.n === n && ',
    by: '_id.n >= n || ',
    tests: { file: 'test/engine/verify/verified-ranges.test.ts' },
  },
  {
    without: 'waiting until the stream has passed the time of a comparison',
    file: 'src/engine/verify/rechecks.ts',
    replace: '        open.notBefore = source.time;\n',
    by: '',
    tests: { file: VERIFICATION },
  },
  {
    without: 'looking at the destination before the commit',
    file: 'src/engine/cutover/last-look.ts',
    replace: '    orAbort(stream.lookAtDestination(), signal),\n',
    by: '',
    tests: { file: VERIFICATION },
  },
  {
    without: 'settling what was found before the commit',
    file: 'src/engine/run/stream-follower.ts',
    replace: 'return this.#progress.hasCompared(time) && this.#verification.isSettled && this.allLive;',
    by: 'return this.#progress.hasCompared(time) && this.allLive;',
    tests: { file: VERIFICATION },
  },
  {
    without: 'the search for hidden writes in the time up to which all is equal',
    file: 'src/engine/run/stream-follower.ts',
    replace: '? this.#progress.comparedTo : undefined;',
    by: '? this.#watermark.safe.time : undefined;',
    tests: { file: HIDDEN_PROOF, name: 'nothing is said to be equal' },
  },
  {
    without: 'waiting for the comparison of hidden writes',
    file: 'src/engine/run/stream-progress.ts',
    replace: 'return oldest?.after ?? this.#positions.searchedTo();',
    by: 'void oldest;\n    return this.#positions.searchedTo();',
    tests: { file: HIDDEN_PROOF, name: 'a cutover waits' },
  },
  {
    without: 'comparing anew after a run that compared nothing',
    file: 'src/engine/run/stream-follower.ts',
    replace: 'await this.#verification.load(verifiedTerm === term - 1);',
    by: 'await this.#verification.load(verifiedTerm !== term);',
    tests: { file: RESUME },
  },
  {
    without: 'comparing the order of capped collections',
    file: 'src/engine/verify/verification.ts',
    replace: 'if (collection.isCapped) await this.#compareOrder(collection);',
    by: 'const comparison = this.#comparisons.get(collection);\n      if (comparison) comparison.isOrdered = true;',
    tests: { file: VERIFICATION },
  },
  {
    without: 'stopping when a document keeps differing',
    file: 'src/engine/verify/mismatches.ts',
    replace: 'if (times > RETURNS) {',
    by: 'if (times < 0) {',
    tests: { file: VERIFICATION },
  },
  {
    without: 'refusing the cutover while a document differs',
    file: 'src/engine/report/readiness.ts',
    replace: 'mismatches.open > 0 ? ',
    by: 'mismatches.open < 0 ? ',
    tests: { file: VERIFICATION },
  },
  {
    without: 'comparing the catalogs before a cutover',
    file: 'src/engine/run/steer.ts',
    replace: 'if (!confirmed || calledOff.aborted) return',
    by: 'if (calledOff.aborted) return',
    tests: { file: VERIFICATION },
  },
  {
    without: 'holding the checkpoint until a key is compared',
    file: 'src/engine/capture/watermark.ts',
    replace: 'Math.min(this.#oldest.unapplied(), this.#oldest.uncompared())',
    by: 'this.#oldest.unapplied()',
    tests: { file: WATERMARK },
  },
  {
    without: 'the position in the oplog of the destination on record',
    file: 'src/engine/run/migration-run.ts',
    replace: '      ...this.follower.verification.position,\n',
    by: '',
    tests: { file: RESUME },
  },
  {
    without: 'forgetting what was compared of a collection that is gone',
    file: 'src/engine/verify/verification.ts',
    replace: 'if (!this.#isValid(collection)) await this.#forget(collection);',
    by: '',
    tests: { file: RESUME },
  },
  {
    without: 'ignoring a result for a key that has changed since',
    file: 'src/engine/verify/recheck-queue.ts',
    replace: '    if (!this.isCurrent(open)) return;\n',
    by: '',
    tests: { file: 'test/engine/verify/recheck-queue.test.ts' },
  },
  {
    without: 'counting once what a killed run had on record',
    file: 'src/engine/verify/mismatches.ts',
    replace: 'before?.open === true && !this.#noted.has(id)',
    by: 'before?.open === undefined && this.#noted.has(id)',
    tests: { file: RESUME },
  },
  {
    without: 'reading foreign writes again while a comparison has to begin anew',
    file: 'src/engine/verify/verification.ts',
    replace: 'this.rechecks.unbound === 0 && this.#areValid,',
    by: 'this.rechecks.unbound === 0,',
    tests: { file: RESUME },
  },
  {
    without: 'taking back a cutover when a document is only reported',
    file: 'src/engine/cutover/cut-over.ts',
    replace: '      if (difference !== undefined) throw new NotNow(difference);\n',
    by: '',
    tests: { file: VERIFICATION },
  },
  {
    without: 'passing the oldest documents that one side of a capped collection lacks',
    file: 'src/engine/verify/compare-order.ts',
    replace: '  if (a && b && a.identity !== b.identity) a = await passAlone(source, isOnDestination, b);\n',
    by: '',
    tests: { file: ORDER, name: 'older documents on the source' },
  },
  {
    without: 'looking for documents behind those that differ in a capped collection',
    file: 'src/engine/verify/compare-order.ts',
    replace: 'return isAlone && (await passAlone(destination, isOnSource)) === undefined;',
    by: 'return true || isAlone;',
    tests: { file: ORDER, name: 'in the middle missing' },
  },
  {
    without: 'forgetting the keys whose order is compared',
    file: 'src/engine/verify/compare-order.ts',
    replace: '    source.pass(1);\n',
    by: '    source.pass(1);\n    ((globalThis as { kept?: string[] }).kept ??= []).push(a.identity, b.identity);\n',
    tests: { file: ORDER, name: 'no memory for each document' },
  },
  {
    without: 'leaving the order of a collection that discards faster than it is read to the write pause',
    file: 'src/engine/verify/compare-order.ts',
    replace: '      if (error instanceof MongoServerError && error.code === CAPPED_POSITION_LOST) return false;\n',
    by: '',
    tests: { file: ORDER, name: 'faster than they are read' },
  },
  {
    without: 'dropping the keys of suspect collections',
    file: 'src/engine/run/stream-follower.ts',
    replace: '    this.#verification.dropSuspectKeys();\n',
    by: '',
    tests: { file: LOST_HISTORY },
  },
  {
    without: 'forgetting the verification of a suspect collection before its repair',
    file: 'src/engine/verify/repairs.ts',
    replace: 'await this.#verificationForgotten(collection);',
    by: 'void this.#verificationForgotten;',
    tests: { file: LOST_HISTORY },
  },
  {
    without: 'letting the stream continue when no key can be compared',
    file: 'src/engine/verify/rechecks.ts',
    replace: '      this.#passesOne = true;\n',
    by: '',
    tests: { file: CROWDED },
  },
  {
    without: 'comparing a collection anew when too many of its keys wait',
    file: 'src/engine/verify/rechecks.ts',
    replace: 'if (largest !== undefined) this.#onCrowded(largest);',
    by: 'this.#passesOne = largest !== undefined;',
    tests: { file: CROWDED },
  },
  {
    without: 'keeping waiting keys apart from the replies of servers',
    file: 'src/engine/verify/recheck-queue.ts',
    replace: 'key: detachedKey(key),',
    by: 'key,',
    tests: { file: 'test/engine/verify/recheck-queue.test.ts' },
  },
];
