import type { Mutant } from './mutant.ts';

const DISPLACED = 'test/engine/run/displaced.test.ts';
const RECORDS = 'test/engine/apply/displaced.test.ts';

/** Each removes one rule of documents that make room, or of documents that only a former source has. */
export const OF_DISPLACED: readonly Mutant[] = [
  {
    without: 'making room only for an index that the source has now',
    file: 'src/engine/apply/displace-holders.ts',
    replace: 'refuseFormerIndex(target, one);\n    //',
    by: 'void refuseFormerIndex;\n    //',
    tests: { file: DISPLACED, name: 'before users dropped it' },
  },
  {
    without: 'a bound on how long a refused document waits for its indexes',
    file: 'src/engine/apply/lane.ts',
    replace: 'Promise.race([this.#indexes.attempt(collection), clock.sleep(INDEXES_WITHIN_MS, signal)])',
    by: 'Promise.race([this.#indexes.attempt(collection), clock.sleep(INDEXES_WITHIN_MS * 100, signal)])',
    tests: { file: DISPLACED, name: 'still builds the wider one' },
  },
  {
    without: 'the record of a document that makes room',
    file: 'src/engine/apply/displaced.ts',
    replace: 'await this.#records.put(keys.map((key) => this.#recordOf(collection, key, mark)));',
    by: 'void [keys.map((key) => this.#recordOf(collection, key, mark))];',
    tests: { file: DISPLACED, name: 'engine.apply.displaced' },
  },
  {
    without: 'putting a document on record before it makes room',
    file: 'src/engine/apply/displace-holders.ts',
    replace: '  await record(holders.map(({ key }) => key));\n',
    by: '  void record;\n',
    tests: { file: DISPLACED, name: 'engine.apply.displaced' },
  },
  {
    without: 'reading documents again that made room for an earlier engine',
    file: 'src/engine/run/stream-follower.ts',
    replace: 'this.#lanes.add(displaced);\n',
    by: 'void displaced;\n',
    tests: { file: DISPLACED, name: 'engine.apply.displaced' },
  },
  {
    without: 'the record of a document that made room again before its key was applied',
    file: 'src/engine/records/displaced-records.ts',
    replace: "removeRecords(this.#fence, 'displaced', records)",
    by: "removeRecords(this.#fence, 'displaced', records.map(({ _id }) => ({ _id })))",
    tests: { file: RECORDS, name: 'makes room again' },
  },
  {
    without: 'removing the record of a document that made room once its key is in the spool',
    file: 'src/engine/apply/lane.ts',
    replace: '    await this.#displaced.settle(collection, all);\n',
    by: '',
    tests: { file: 'test/engine/apply/lane.test.ts', name: 'made room' },
  },
  {
    without: 'the mark of a document that made room when its key changes meanwhile',
    file: 'src/engine/apply/dirty-key.ts',
    replace: 'return { ...earlier, ...later, state',
    by: 'return { ...later, state',
    tests: { file: 'test/engine/apply/lane.test.ts', name: 'made room' },
  },
  {
    without: 'saying that a migration with documents that made room is not ready',
    file: 'src/engine/report/readiness-facts.ts',
    replace: 'displaced: waitsOfDisplaced(context, 0),',
    by: 'displaced: [],',
    tests: { file: DISPLACED, name: 'is not ready, and says why' },
  },
  {
    without: 'waiting for documents that made room before both sides count as equal',
    file: 'src/engine/run/stream-follower.ts',
    replace: ' && displaced.size === 0',
    by: ' && displaced.size >= 0',
    tests: { file: DISPLACED, name: 'not proven equal' },
  },
  {
    without: 'keeping a document that the verification finds only on a former source',
    file: 'src/engine/verify/verification.ts',
    replace: "this.mode === 'repair' && isReversed && isExtra",
    by: "this.mode === 'repair' && !isReversed && isExtra",
    tests: { file: DISPLACED, name: 'that the verification finds' },
  },
  {
    without: 'comparing a held document again once its delete is confirmed',
    file: 'src/engine/verify/verification.ts',
    replace: "if (this.mode !== 'report' && !this.#parts.isReversed) return;",
    by: "if (this.mode !== 'report') return;",
    tests: { file: DISPLACED, name: 'that the verification finds' },
  },
  {
    without: 'keeping a document that the repair of lost history finds only on a former source',
    file: 'src/engine/verify/repairs.ts',
    replace: 'return isReversed && source === undefined',
    by: 'return !isReversed && source === undefined',
    tests: { file: DISPLACED, name: 'that the repair of lost history finds' },
  },
  {
    without: 'putting a return off while documents wait for a confirmation',
    file: 'src/engine/collections/held-drops.ts',
    replace: 'return this.#permitted ? undefined : this.documents.wait;',
    by: 'return undefined;',
    tests: { file: DISPLACED, name: 'puts the return off' },
  },
];
