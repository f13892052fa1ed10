import type { Mutant } from './mutant.ts';

const RULES = 'test/engine/run/rules.test.ts';
const FENCE = 'test/engine/mongodb/fence.test.ts';
const CAPPED = 'test/engine/apply/capped-order.test.ts';
const OTHER = 'test/engine/records/other-cluster.test.ts';
const HELD = 'test/engine/collections/held-drops.test.ts';
const HIDDEN = 'test/engine/capture/hidden-writes.test.ts';
const CONVERSIONS = 'test/engine/capture/conversions.test.ts';
const SHARED = 'test/engine/records/kept-side-by-side.test.ts';

/** Each removes one rule about following the source: events, oplog, catalogs. */
export const OF_CAPTURE: readonly Mutant[] = [
  {
    without: "declaring a loss when the oplog no longer reaches back to the search's position",
    file: 'src/engine/capture/hidden-writes.ts',
    replace: 'if (first === undefined || isBefore(after, first.ts)) return undefined;',
    by: '',
    tests: { file: HIDDEN, name: 'an oplog that no longer reaches back' },
  },
  {
    without: 'distinguishing transactions from applyOps',
    file: 'src/engine/capture/hidden-writes.ts',
    replace: ', txnNumber: { $exists: false } }',
    by: ' }',
    tests: { file: HIDDEN, name: 'transactions, prepared' },
  },
  {
    without: 'searching for inserts of conversions',
    file: 'src/engine/capture/hidden-writes.ts',
    replace: '{ fromMigrate: true }, ',
    by: '',
    tests: { file: CONVERSIONS, name: 'are found in the oplog' },
  },
  {
    without: 'marking a collection as suspect at the last step of a conversion',
    file: 'src/engine/capture/dispatcher.ts',
    replace: 'if (converted.size > 0) await',
    by: 'if (converted.size < 0) await',
    tests: { file: CONVERSIONS, name: 'may not read the oplog' },
  },
  {
    without: 'migrating the flags of time series',
    file: 'src/engine/collections/reconcile.ts',
    replace: '    await carryFlags(context, entry, existing);\n',
    by: '',
    tests: { file: 'test/engine/catalog/time-series-flags.test.ts', name: 'is marked on the destination' },
  },
  {
    without: 'waiting for a whole batch to be dispatched before the checkpoint passes it',
    file: 'src/engine/capture/watermark.ts',
    replace: '(this.#marks[1]?.sequence ?? Number.POSITIVE_INFINITY) < pending',
    by: '(this.#marks[1]?.sequence ?? Number.POSITIVE_INFINITY) <= pending',
    tests: { file: 'test/engine/capture/watermark.test.ts' },
  },
  {
    without: 'spooling the changes of a collection that is being copied',
    file: 'src/engine/capture/dispatcher.ts',
    replace: 'this.#spool.add(collection, key, this.#sequence, event.time, state);',
    by: '',
    tests: { file: RULES, name: 'what changes behind the copy' },
  },
  {
    without: 'the place of a capped change in the spool',
    file: 'src/engine/apply/spool.ts',
    replace: '!(collection.isCapped && takesLastPlace(state))',
    by: 'true',
    tests: { file: CAPPED, name: 'during the copy' },
  },
  {
    without: 'recording that a document was deleted from a capped collection',
    file: 'src/engine/collections/tracked-collection.ts',
    replace: '      reordered: this.reordered,\n',
    by: '      reordered: false,\n',
    tests: { file: CAPPED, name: 'in the middle' },
  },
  {
    without: 'accepting an _id of invalid UTF-8 when a name is confirmed',
    file: 'src/engine/catalog/read-catalog.ts',
    replace: "await readAll(client, database, { ...probe, readConcern: { level: 'majority' } });",
    by: "await client.db(database).command({ ...probe, readConcern: { level: 'majority' } });",
    tests: { file: 'test/engine/bson/odd-documents.test.ts', name: 'UTF-8' },
  },
  {
    without: 'the original indexes on record before weaker ones are made',
    file: 'src/engine/collections/index-keeper.ts',
    replace:
      "    await this.#context.retrier.run('the destination', () =>\n      checkpoint.saveCollection(collection.toRecord(checkpoint.migrationId)),\n    );\n",
    by: '',
    tests: { file: RULES, name: 'past the point of no return' },
  },
  {
    without: 'silencing expiry on the destination',
    file: 'src/engine/catalog/index-spec.ts',
    replace: "  fields.delete('expireAfterSeconds');",
    by: '',
    tests: { file: 'test/engine/catalog/kinds-of-collections.test.ts', name: 'expires' },
  },
  {
    without: 'a separate sequence for each waiting batch',
    file: 'src/engine/capture/dispatcher.ts',
    replace: 'if (this.#sent) this.#watermark.dispatched({ sequence: this.#sequence, token, time, bytes });',
    by: 'if (!this.#sent) this.#watermark.dispatched({ sequence: this.#sequence, token, time, bytes });',
    tests: { file: RULES, name: 'a batch that was not written' },
  },
  {
    without: 'the collection UUID in a drop',
    file: 'src/engine/catalog/change-catalog.ts',
    replace: '...(isBuckets(name) ? {} : pinnedTo(uuid)) };',
    by: '};',
    tests: { file: FENCE, name: 'does not meet what took the name' },
  },
  {
    without: 'spooling new changes while a capped collection is drained',
    file: 'src/engine/collections/tracked-collection.ts',
    replace: "(this.#lifecycle.state === 'draining' && !this.#lifecycle.ordered)",
    by: "this.#lifecycle.state === 'draining'",
    tests: { file: 'test/engine/catalog/special-collections.test.ts', name: 'while its spool is drained' },
  },
  {
    without: 'comparing catalogs after a break of the stream',
    file: 'src/engine/capture/dispatcher.ts',
    replace: 'if (batch.afterBreak || comparison !== undefined)',
    by: 'if (comparison !== undefined)',
    tests: { file: 'test/engine/run/restarts.test.ts', name: 'rolled back are reverted' },
  },
  {
    without: 'recording a collection as pending until its ranges are on record',
    file: 'src/engine/collections/lifecycle.ts',
    replace: "    case 'planning':\n      return 'pending';\n",
    by: "    case 'planning':\n      return 'copying';\n",
    tests: { file: 'test/engine/collections/catalog-changes.test.ts' },
  },
  {
    without: 'the oldest key of the buffer of the spool',
    file: 'src/engine/apply/spool.ts',
    replace: 'this.#oldest = Math.min(this.#oldest, sequence);',
    by: 'if (this.#buffer.size === 0) this.#oldest = sequence;',
    tests: { file: 'test/engine/apply/spool.test.ts' },
  },
  {
    without: "retrying the removal of a dropped collection's record",
    file: 'src/engine/collections/reconcile.ts',
    replace:
      "await context.retrier.run('the destination', () => context.checkpoint.removeCollection(collection.uuid));",
    by: 'await context.checkpoint.removeCollection(collection.uuid);',
    tests: { file: 'test/engine/collections/catalog-changes.test.ts', name: 'takes two attempts' },
  },
  {
    without: 'the record of a collection that is set aside before its changes are durable in the spool',
    file: 'src/engine/apply/spool.ts',
    replace: '    while (this.#held !== undefined) await this.#held;\n',
    by: '',
    tests: { file: 'test/engine/apply/spool.test.ts' },
  },
  {
    without: 'a barrier after the start position of a migration',
    file: 'src/engine/capture/fix-position.ts',
    replace: "await context.retrier.run('the source', () => writeBarrier(context.source));",
    by: 'void writeBarrier;',
    tests: { file: 'test/engine/mongodb/barriers.test.ts', name: 'the majority of the source' },
  },
  {
    without: 'confirming the cluster after its catalog was listed',
    file: 'src/engine/collections/reconcile.ts',
    replace: '  await confirmSource(context);\n',
    by: '',
    tests: { file: OTHER, name: 'while the catalogs are being compared' },
  },
  {
    without: 'holding drops that take most of a migration',
    file: 'src/engine/collections/held-drops.ts',
    replace: 'const areMost = lost.length > 0 && ',
    by: 'const areMost = lost.length < 0 && ',
    tests: { file: HELD, name: 'until somebody confirms them' },
  },
  {
    without: 'counting the documents of drops',
    file: 'src/engine/collections/held-drops.ts',
    replace: 'return documents * 2 > counted;',
    by: 'return false;',
    tests: { file: HELD, name: 'when most documents are in one' },
  },
  {
    without: 'distinguishing a recreated collection from a lost one',
    file: 'src/engine/collections/held-drops.ts',
    replace: 'gone.filter((one) => !isThereAgain(one))',
    by: 'gone.filter((one) => isThereAgain(one) || true)',
    tests: { file: HELD, name: 'exist again' },
  },
  {
    without: 'dropping in all databases before anything is made',
    file: 'src/engine/collections/reconcile.ts',
    replace:
      '  for (const wanted of listed) await retry(() => dropFrom(context, wanted, dropped));\n  for (const wanted of listed) await retry(() => makeIn(context, wanted));',
    by: '  for (const wanted of listed) {\n    await retry(() => dropFrom(context, wanted, dropped));\n    await retry(() => makeIn(context, wanted));\n  }',
    tests: { file: 'test/engine/collections/database-case.test.ts', name: 'between two runs' },
  },
  {
    without: 'looking for collections in admin before the commit',
    file: 'src/engine/cutover/last-look.ts',
    replace: '  refuseUnsupported(inAdmin, sourceFeatures);\n',
    by: '',
    tests: { file: 'test/engine/preflight/admin-database.test.ts', name: 'while the migration follows' },
  },
  {
    without: 'dropping an emptied database that keeps its name from another',
    file: 'src/engine/collections/reconcile.ts',
    replace: 'if (await forgetEmptyNamesake(context, error)) throw',
    by: 'if (context.destination === undefined) throw',
    tests: { file: 'test/engine/collections/database-case.test.ts', name: 'has no view' },
  },
  {
    without: 'ignoring events without a namespace',
    file: 'src/engine/capture/change-event.ts',
    replace: "database !== '' && ",
    by: '',
    tests: { file: 'test/engine/capture/change-event.test.ts' },
  },
  {
    without: 'refusing collections of users in the database admin',
    file: 'src/engine/preflight/checks/namespaces.ts',
    replace: '    ...(await checkAdmin(look)),\n',
    by: '',
    tests: { file: 'test/engine/preflight/admin-database.test.ts' },
  },
  {
    without: "distinguishing the migration's view from another one with its name",
    file: 'src/engine/collections/reconcile-views.ts',
    replace: 'context.views.isMade(database, entry) && ',
    by: '',
    tests: { file: SHARED, name: 'a view of a changed definition' },
  },
  {
    without: 'distinguishing a collection of another migration from an unfinished one',
    file: 'src/engine/collections/reconcile.ts',
    replace: ' || isOfOthers || ',
    by: ' || ',
    tests: { file: SHARED, name: 'a collection that another migration' },
  },
  {
    without: 'asking for fewer events when the reply of a stream would be too large',
    file: 'src/engine/capture/change-stream.ts',
    replace: 'throw this.#askForLess(error);',
    by: 'throw error;',
    tests: { file: 'test/engine/apply/long-ids.test.ts', name: 'that change together' },
  },
];
