import type { Mutant } from './mutant.ts';

const RULES = 'test/engine/run/rules.test.ts';
const UNSHOWN = 'test/engine/collections/unshown-drops.test.ts';
const NATURAL = 'test/engine/copy/natural-order.test.ts';
const BATCH = 'test/engine/bson/document-batch.test.ts';
const UNJOINED = 'test/engine/bson/unjoined-connection.test.ts';

/** Each removes one rule of the initial copy: of its reads, its batches, its messages and its records. */
export const OF_COPY: readonly Mutant[] = [
  {
    without: 'majority reads in the copy',
    file: 'src/engine/copy/open-read.ts',
    replace:
      "        ...find(name),\n        batchSize: batchSize(collection),\n        ...pinTo(context, collection),\n        readConcern: { level: 'majority',",
    by: "        ...find(name),\n        batchSize: batchSize(collection),\n        ...pinTo(context, collection),\n        readConcern: { level: 'local',",
    tests: { file: RULES, name: 'every read' },
  },
  {
    without: 'acknowledgement before a range counts as copied',
    file: 'src/engine/copy/copy-partition.ts',
    replace:
      '      const write = insertHeld(context, collection, batch, mayBeThere)\n        .finally(() => batch[Symbol.dispose]())\n        .then(',
    by: '      insertHeld(context, collection, batch, mayBeThere);\n      const write = Promise.resolve()\n        .then(',
    tests: { file: RULES, name: 'a range counts as copied' },
  },
  {
    without: 'the order of batches in the progress of a range',
    file: 'src/engine/copy/copy-partition.ts',
    replace: 'await previous; //',
    by: '//',
    tests: { file: RULES, name: 'a range counts as copied' },
  },
  {
    without: 'draining the spool to its end before a collection is live',
    file: 'src/engine/copy/copier.ts',
    replace: 'await this.#emptySpool(collection);',
    by: 'void this.#emptySpool(collection).catch(() => undefined);',
    tests: { file: RULES, name: 'before the record says so' },
  },
  {
    without: 'the end of the name before each document of a reply',
    file: 'src/engine/bson/document-batch.ts',
    replace: '      start += 1;\n',
    by: '',
    tests: { file: BATCH, name: 'has the documents of a reply' },
  },
  {
    without: 'the bounds of the documents of a reply',
    file: 'src/engine/bson/document-batch.ts',
    replace: 'if (length < 5 || offset > last) throw notAnArray();',
    by: 'if (length < 5) throw notAnArray();',
    tests: { file: BATCH, name: 'is refused' },
  },
  {
    without: 'offsets from the start of a cut batch',
    file: 'src/engine/bson/document-batch.ts',
    replace: 'from === 0 ? ends : ends.map((one) => one - from)',
    by: 'ends',
    tests: { file: BATCH, name: 'is cut without a copy' },
  },
  {
    without: 'counting the bytes of a message from its first statement',
    file: 'src/engine/mongodb/raw-write.ts',
    replace: 'startByte = endByte;',
    by: 'startByte = end;',
    tests: { file: BATCH, name: '46,000,000 bytes' },
  },
  {
    without: "the documents in a message's length",
    file: 'src/engine/bson/unjoined-connection.ts',
    replace: 'parts.reduce((sum, { length }) => sum + length, 0),',
    by: 'parts.reduce((sum, { length }) => sum + length, 0) - documents.length,',
    tests: { file: UNJOINED, name: 'without compression' },
  },
  {
    without: 'the end of a write whose connection is closed',
    file: 'src/engine/bson/unjoined-connection.ts',
    replace: "    this.once('close', onClose);\n",
    by: '',
    tests: { file: UNJOINED, name: 'whose connection is closed' },
  },
  {
    without: 'waiting until the system has a message before its memory counts as free',
    file: 'src/engine/bson/unjoined-connection.ts',
    replace: '      await promise;\n',
    by: '      void promise.catch(() => undefined);\n',
    tests: { file: UNJOINED, name: 'closed in the middle' },
  },
  {
    without: 'holding the memory of a batch until the destination has it',
    file: 'src/engine/copy/held-batch.ts',
    replace: 'await insertDocuments(context, collection, documents);',
    by: 'const inserted = insertDocuments(context, collection, documents);\n  batch[Symbol.dispose]();\n  await inserted;',
    tests: { file: 'test/engine/copy/cut-messages.test.ts' },
  },
  {
    without: 'using a plan of ranges only once it is on record',
    file: 'src/engine/copy/copier.ts',
    replace: "    collection.advance({ kind: 'planned' });\n    await this.#record(collection);\n",
    by: "    collection.advance({ kind: 'planned' });\n",
    tests: { file: 'test/engine/run/kill-again.test.ts', name: 'resumes at the last acknowledged key' },
  },
  {
    without: 'a new scan in natural order after an election',
    file: 'src/engine/copy/read-naturally.ts',
    replace: 'if ((await currentElection()) !== position.election) {',
    by: "if ((await currentElection()) === 'undefined') {",
    tests: { file: NATURAL, name: 'a scan in natural order' },
  },
  {
    without: 'the sum of all indexes that scans in natural order change at random',
    file: 'src/engine/copy/read-order.ts',
    replace: '  collection.scannedIdIndex = idIndex;\n',
    by: '',
    tests: { file: NATURAL, name: 'a scan in natural order' },
  },
  {
    without: 'the end of a scan in natural order',
    file: 'src/engine/copy/read-naturally.ts',
    replace: ' || recordId.greaterThanOrEqual(end)',
    by: '',
    tests: { file: NATURAL, name: 'a scan in natural order' },
  },
  {
    without: 'looking up what the destination has before a scan that begins again',
    file: 'src/engine/copy/copy-partition.ts',
    replace: 'const mayBeThere = partition.natural !== undefined &&',
    by: 'const mayBeThere = false &&',
    tests: { file: NATURAL, name: 'a scan in natural order' },
  },
  {
    without: 'the time of the position in the plan of the copy',
    file: 'src/engine/copy/plan-partitions.ts',
    replace: "readConcern = { level: 'majority', afterClusterTime: collection.readAfter };",
    by: "readConcern = { level: 'majority' };",
    tests: { file: 'test/engine/mongodb/lagging-source.test.ts', name: 'lag behind' },
  },
  {
    without: 'the time of the position in the reads of the copy',
    file: 'src/engine/copy/open-read.ts',
    replace: "readConcern: { level: 'majority', afterClusterTime: collection.readAfter },",
    by: "readConcern: { level: 'majority' },",
    tests: { file: 'test/engine/mongodb/lagging-source.test.ts', name: 'lag behind' },
  },
  {
    without: 'planning a copy again whose collection was missing',
    file: 'src/engine/copy/copier.ts',
    replace: "      collection.advance({ kind: 'plan failed' });\n      collection.suspicion ??= suspicion;\n",
    by: '',
    tests: { file: UNSHOWN, name: 'resumes when the drop' },
  },
  {
    without: 'draining the spool of a collection again that was set aside meanwhile',
    file: 'src/engine/copy/copier.ts',
    replace: "    if (collection.state === 'set aside') throw new CollectionMissing(collection.namespace);\n",
    by: '',
    tests: { file: UNSHOWN, name: 'missing when the copy ends' },
  },
  {
    without: 'the order of _id for a part of a collection',
    file: 'src/engine/copy/read-order.ts',
    replace:
      "if (collection.filter !== null) return { order: '_id', reason: 'only some of its documents are selected' };",
    by: '',
    tests: { file: 'test/engine/copy/natural-order.test.ts', name: 'a scan in natural order' },
  },
  {
    without: 'counting a capped collection anew that is read again',
    file: 'src/engine/copy/read-partition.ts',
    replace: 'for (let startsOver = false; ; startsOver = true) {',
    by: 'for (let startsOver = false; ; startsOver = false) {',
    tests: { file: 'test/engine/copy/capped-copy.test.ts' },
  },
  {
    without: 'a further check by the run of what a start had no time for',
    file: 'src/engine/run/open-clusters.ts',
    replace: '!isRefused && isComplete && source',
    by: '!isRefused && source',
    tests: { file: 'test/engine/preflight/findings.test.ts', name: 'has a run check by itself' },
  },
  {
    without: 'naming the time limit of each read',
    file: 'src/engine/bson/unjoined-connection.ts',
    replace: '{ ...command, maxTimeMS: command.maxTimeMS ?? 0 }',
    by: 'command',
    tests: { file: 'test/engine/mongodb/read-limits.test.ts' },
  },
];
