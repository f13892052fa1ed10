import type { Mutant } from './mutant.ts';

const REVERSE = 'test/engine/run/reverse.test.ts';
const WAY_BACK = 'test/engine/run/way-back.test.ts';

/** Each removes one rule of a reversible migration. */
export const OF_REVERSE: readonly Mutant[] = [
  {
    without: 'refusing to return while both sides are blocked',
    file: 'src/engine/run/prepare-reverse.ts',
    replace: '  await confirmOpen(context);\n',
    by: '',
    tests: { file: WAY_BACK },
  },
  {
    without: 'blocking the old source again before it follows',
    file: 'src/engine/run/prepare-reverse.ts',
    replace: '  await closeDestination(context);\n',
    by: '',
    tests: { file: WAY_BACK },
  },
  {
    without: 'looking for the collections of the cutover on the old source',
    file: 'src/engine/run/prepare-reverse.ts',
    replace: '  await confirmCollections(context, earlier.collections);\n',
    by: '',
    tests: { file: WAY_BACK },
  },
  {
    without: 'applying a displaced document again',
    file: 'src/engine/apply/lane.ts',
    replace: 'this.#events.displaced({ collection, key, state: UNKNOWN, sequence });',
    by: 'void [key, sequence];',
    tests: { file: REVERSE, name: 'beside a partial index' },
  },
  {
    without: 'holding the checkpoint back only from the read of a refused document on',
    file: 'src/engine/apply/lane.ts',
    replace: '      const { sequence } = this.#context.position;\n',
    by: '      const sequence = Math.min(...dirty.map((one) => one.sequence));\n',
    tests: { file: REVERSE, name: 'holds back no change' },
  },
  {
    without: 'reading a refused document again before it makes room',
    file: 'src/engine/apply/lane.ts',
    replace: 'error.refused.filter(({ key }) => !known.has(key.identity))',
    by: 'error.refused',
    tests: { file: REVERSE, name: 'makes no room for itself' },
  },
  {
    without: 'reading a document again that made room in its own batch',
    file: 'src/engine/apply/lane.ts',
    replace: 'new Set([...refused, ...displaced].map',
    by: 'new Set(refused.map',
    tests: { file: REVERSE, name: 'of its batch is read again' },
  },
  {
    without: 'keeping a document that got a newer state before it would be displaced',
    file: 'src/engine/mongodb/raw-write.ts',
    replace: ", element(BSON_TYPE.document, '$expr', same));",
    by: ');',
    tests: { file: REVERSE, name: 'newer state before it would make room' },
  },
  {
    without: 'making room for values of a unique index',
    file: 'src/engine/apply/apply-keys.ts',
    replace: 'isReversed && one !== undefined ?',
    by: 'false && one !== undefined ?',
    tests: { file: REVERSE, name: 'documents that pass values' },
  },
  {
    without: 'showing that another engine has taken the way back',
    file: 'src/engine/reversible-migration.ts',
    replace: "    const ended = { readyForCutover: false, notReadyReasons: ['it has failed'] };\n",
    by: '    if (code) return progress;\n    const ended = {};\n',
    tests: { file: WAY_BACK, name: 'another engine has taken' },
  },
  {
    without: 'recording a reversal on the side that has the users',
    file: 'src/engine/reversible-migration.ts',
    replace: '    await noteReversal(destination, migrationId, reversals);\n',
    by: '',
    tests: { file: WAY_BACK, name: 'shows the requested direction' },
  },
  {
    without: 'refusing to reverse a way back that has failed',
    file: 'src/engine/reversible-migration.ts',
    replace: '    if (this.#wayBackFailure !== undefined) throw this.#wayBackFailure;\n',
    by: '',
    tests: { file: WAY_BACK, name: 'not what the cutover left' },
  },
  {
    without: "keeping the old source's block in a cleanup",
    file: 'src/engine/cleanup/leftovers.ts',
    replace: '      !isReversed &&\n',
    by: '',
    tests: { file: WAY_BACK, name: 'finish closes' },
  },
  {
    without: "refusing to drop the old source's data in a cleanup",
    file: 'src/engine/cleanup/clean-up.ts',
    replace: "(state === 'committed' || reversals > 0) && drop",
    by: "state === 'committed' && drop",
    tests: { file: WAY_BACK, name: 'finish closes' },
  },
  {
    without: 'keeping the old source blocked when its direction is cancelled',
    file: 'src/engine/run/cancel.ts',
    replace: '  if (isReversed) return await endReverse(context, log);\n',
    by: '  if (isReversed && false) return await endReverse(context, log);\n',
    tests: { file: WAY_BACK, name: 'a requested direction' },
  },
  {
    without: 'closing the way back on the side that has the users',
    file: 'src/engine/reversible-migration.ts',
    replace: '    await closeWayBack(destination, migrationId, reversals);\n',
    by: '',
    tests: { file: WAY_BACK, name: 'finish needs' },
  },
  {
    without: 'resuming in the direction on record',
    file: 'src/engine/reversible-migration.ts',
    replace: 'error.reversals - 1',
    by: 'error.reversals',
    tests: { file: REVERSE, name: 'a way back whose engine' },
  },
];
