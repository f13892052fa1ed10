import type { Mutant } from './mutant.ts';

const RULES = 'test/engine/rules.test.ts';
const FENCE = 'test/engine/fence.test.ts';
const LOST = 'test/engine/lost-history.test.ts';
const SHARED = 'test/engine/kept-side-by-side.test.ts';

/** Each takes away one thing that keeps documents and catalogs from being lost or altered on their way. */
export const OF_DOCUMENTS: readonly Mutant[] = [
  {
    without: 'majority reads in the copy',
    file: 'src/engine/copy/copy-partition.ts',
    replace:
      "        ...find(name),\n        batchSize: batchSize(collection),\n        ...pinTo(context, collection),\n        readConcern: { level: 'majority',",
    by: "        ...find(name),\n        batchSize: batchSize(collection),\n        ...pinTo(context, collection),\n        readConcern: { level: 'local',",
    tests: { file: RULES, name: 'every read' },
  },
  {
    without: 'waiting for a whole batch to be dispatched before the checkpoint passes it',
    file: 'src/engine/capture/watermark.ts',
    replace: '(this.#marks[1]?.sequence ?? Number.POSITIVE_INFINITY) < pending',
    by: '(this.#marks[1]?.sequence ?? Number.POSITIVE_INFINITY) <= pending',
    tests: { file: 'test/engine/capture/watermark.test.ts' },
  },
  {
    without: 'acknowledgement before a range counts as copied',
    file: 'src/engine/copy/copy-partition.ts',
    replace:
      '      const write = insertHeld(context, collection, batch)\n        .finally(() => batch[Symbol.dispose]())\n        .then(',
    by: '      insertHeld(context, collection, batch);\n      const write = Promise.resolve()\n        .then(',
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
    without: 'the spool: changes of a collection being copied are taken as seen',
    file: 'src/engine/capture/dispatcher.ts',
    replace: 'this.#spool.add(collection, key, this.#sequence, event.time);',
    by: '',
    tests: { file: RULES, name: 'what changes behind the copy' },
  },
  {
    without: 'the spool being drained to its end before a collection is live',
    file: 'src/engine/copy/copier.ts',
    replace: 'await this.#emptySpool(collection);',
    by: 'void this.#emptySpool(collection).catch(() => undefined);',
    tests: { file: RULES, name: 'is drained before' },
  },
  {
    without: 'deletes before writes of keys that are equal',
    file: 'src/engine/apply/dirty-key.ts',
    replace: 'return EXACT_TYPES.has(key.value.type) && !collection.hasCollation;',
    by: 'return true;',
    tests: { file: RULES, name: 'waits behind the insert' },
  },
  {
    without: 'one lane for numbers that are equal',
    file: 'src/engine/bson/document-key.ts',
    replace: 'if (number === undefined) return',
    by: 'if (number === undefined || number !== undefined) return',
    tests: { file: 'test/engine/bson/document-key.test.ts' },
  },
  {
    without: 'exact writes for empty timestamps',
    file: 'src/engine/bson/exact-write.ts',
    replace:
      '    if (type === BSON_TYPE.timestamp && document.compare(EIGHT_ZEROS, 0, 8, valueStart, valueStart + 8) === 0)\n      return true;\n',
    by: '',
    tests: { file: 'test/engine/exactness.test.ts', name: 'keeps its bytes' },
  },
  {
    without: 'an insert after something else becoming a replace',
    file: 'src/engine/apply/dirty-key.ts',
    replace: "later.state.kind === 'inserted' ? { ...later.state, kind: 'replaced' } : later.state",
    by: 'earlier.state',
    tests: { file: RULES, name: 'the last of several states' },
  },
  {
    without: 'the original indexes on record before weaker ones are made',
    file: 'src/engine/catalog/index-keeper.ts',
    replace:
      "    await this.#context.retrier.run('the destination', () =>\n      checkpoint.saveCollection(collection.toRecord(checkpoint.migrationId)),\n    );\n",
    by: '',
    tests: { file: RULES, name: 'past the point of no return' },
  },
  {
    without: 'silencing expiry on the destination',
    file: 'src/engine/catalog/index-spec.ts',
    replace: "  if (fields.has('expireAfterSeconds'))\n    fields.set(",
    by: "  if (fields.has('never'))\n    fields.set(",
    tests: { file: 'test/engine/kinds-of-collections.test.ts', name: 'expires' },
  },
  {
    without: 'sending on their own what a server does not take together',
    file: 'src/engine/apply/apply-keys.ts',
    replace: 'if (together === undefined) await replace(context, target, plain);',
    by: '',
    tests: { file: 'test/engine/stuck-collections.test.ts' },
  },
  {
    without: 'deleting what is there before an exact write',
    file: 'src/engine/apply/apply-keys.ts',
    replace: 'await putInPlace(context, target, exact);',
    by: 'await updateRaw(context.fence, target, exact.map((e) => exactReplaceStatement(e.key, e.document)));',
    tests: { file: 'test/engine/exactness.test.ts', name: 'every member' },
  },
  {
    without: 'marking what may have missed changes',
    file: 'src/engine/verify/suspicion.ts',
    replace: 'for (const collection of begun) collection.suspicion = { mark, comparedTo: null };',
    by: '',
    tests: { file: LOST, name: 'goes round' },
  },
  {
    without: 'documents that only the destination has, in a repair',
    file: 'src/engine/verify/compare-chunk.ts',
    replace: '!documents.get(key.identity)?.equals(document)',
    by: 'documents.get(key.identity)?.equals(document) === false',
    tests: { file: LOST, name: 'goes round' },
  },
  {
    without: 'documents that only the source has, in a repair',
    file: 'src/engine/verify/compare-chunk.ts',
    replace: '    await note([...missing.values()].map(keyOf));\n',
    by: '',
    tests: { file: LOST, name: 'goes round' },
  },
  {
    without: 'a sequence of its own for each batch that waits for something',
    file: 'src/engine/capture/dispatcher.ts',
    replace: 'if (this.#sent) this.#watermark.dispatched({ sequence: this.#sequence, token, time, bytes });',
    by: 'if (!this.#sent) this.#watermark.dispatched({ sequence: this.#sequence, token, time, bytes });',
    tests: { file: RULES, name: 'a batch that was not written' },
  },
  {
    without: 'a plan of ranges counting once it is on record',
    file: 'src/engine/copy/copier.ts',
    replace: "    await this.#enter(collection, 'copying');\n",
    by: '',
    tests: { file: 'test/engine/kill-again.test.ts', name: 'goes on at the last key' },
  },
  {
    without: 'the collection UUID in a drop',
    file: 'src/engine/catalog/change-catalog.ts',
    replace: '...(isBuckets(name) ? {} : pinnedTo(uuid)) };',
    by: '};',
    tests: { file: FENCE, name: 'does not meet what took the name' },
  },
  {
    without: 'spooling on while a capped collection is drained',
    file: 'src/engine/catalog/tracked-collection.ts',
    replace: '(this.draining && !this.spooling)',
    by: 'this.draining',
    tests: { file: 'test/engine/special-collections.test.ts', name: 'while its spool is drained' },
  },
  {
    without: 'comparing catalogs after a break of the stream',
    file: 'src/engine/capture/dispatcher.ts',
    replace: 'if (batch.afterBreak)',
    by: 'if (false)',
    tests: { file: 'test/engine/restarts.test.ts', name: 'rolled back are taken back' },
  },
  {
    without: 'keeping a collection pending on record until its ranges are',
    file: 'src/engine/catalog/tracked-collection.ts',
    replace: "state: this.state === 'copying' && !this.planned ? 'pending' : this.state,",
    by: 'state: this.state,',
    tests: { file: 'test/engine/catalog-changes.test.ts' },
  },
  {
    without: 'the oldest key of the buffer of the spool',
    file: 'src/engine/capture/spool.ts',
    replace: 'this.#oldest = Math.min(this.#oldest, sequence);',
    by: 'if (this.#buffer.size === 0) this.#oldest = sequence;',
    tests: { file: 'test/engine/capture/spool.test.ts' },
  },
  {
    without: 'flushing a lane by the numbers of its keys',
    file: 'src/engine/apply/lane.ts',
    replace: 'if (next !== undefined && next.number <= waiter.last) continue;',
    by: '',
    tests: { file: 'test/engine/apply/lane.test.ts' },
  },
  {
    without: "trying again to remove a dropped collection's record",
    file: 'src/engine/catalog/reconcile.ts',
    replace:
      "await context.retrier.run('the destination', () => context.checkpoint.removeCollection(collection.uuid));",
    by: 'await context.checkpoint.removeCollection(collection.uuid);',
    tests: { file: 'test/engine/catalog-changes.test.ts', name: 'takes two tries' },
  },
  {
    without: 'the record of a collection that is set aside before its changes are durable in the spool',
    file: 'src/engine/capture/spool.ts',
    replace: '    while (this.#held !== undefined) await this.#held;\n',
    by: '',
    tests: { file: 'test/engine/capture/spool.test.ts' },
  },
  {
    without: 'telling the view that was made from another one of its name',
    file: 'src/engine/catalog/reconcile-views.ts',
    replace: 'context.views.isMade(database, entry) && ',
    by: '',
    tests: { file: SHARED, name: 'a view of a changed definition' },
  },
  {
    without: 'taking the name of a view that is not there from other migrations',
    file: 'src/engine/checkpoint/checkpoint-store.ts',
    replace: "if (names.length > 0) await this.#removeAll('views', others);",
    by: 'void [names, others];',
    tests: { file: SHARED, name: 'under load' },
  },
  {
    without: 'telling a collection of another migration from an unfinished one',
    file: 'src/engine/catalog/reconcile.ts',
    replace: ' || isOfOthers || ',
    by: ' || ',
    tests: { file: SHARED, name: 'a collection that another migration' },
  },
  {
    without: 'keeping off a destination that has an owner',
    file: 'src/engine/checkpoint/destination-owner.ts',
    replace: 'if (mine?.token === undefined && unfinished !== undefined) throw inUse(unfinished);',
    by: 'void unfinished;',
    tests: { file: SHARED, name: 'beside a migration that owns' },
  },
];
