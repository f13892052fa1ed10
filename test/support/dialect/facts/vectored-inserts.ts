import type { Document } from 'mongodb';
import { assemble, elementsOf, encodeElements } from '../../router/elements.ts';
import { changeBatch, changeIn, cursorOf, fieldIn } from '../bson-edits.ts';
import type { Command, Fact } from '../fact.ts';

/** Inserts of users without a number in a session. Those with one have a number in 8.0, too. */
const PLAIN_INSERTS = {
  op: 'i',
  txnNumber: { $exists: false },
  fromMigrate: { $exists: false },
  ns: { $not: { $regex: '^(admin|config|local)\\.' } },
};
/** Fields of an entry that its operation has inside `applyOps`. */
const OF_OPERATION = ['op', 'ns', 'ui', 'o', 'o2'];

/**
 * A newer server has one entry for several documents; here each has its own, so that its time stays that of its event.
 * Only searches for `applyOps` are shown so, since other readers of an oplog read both forms alike.
 */
export const VECTORED_INSERTS: Fact = {
  name: 'inserts of several documents are one applyOps entry without a number',
  source:
    'mongodb/mongo src/mongo/db/ops/write_ops_exec.cpp at 8f1f561d (featureFlagReplicateVectoredInsertsTransactionally, 8.0) and src/mongo/db/repl/repl_server_parameters.idl',
  recordedFrom: null,
  commands: ['find', 'getMore'],
  request: (command) =>
    isSearch(command)
      ? changeIn(command.body, 'filter', (filter) => changeIn(filter, '$or', withInserts))
      : command.body,
  reply: (reply, command, { cursors }) => {
    const mark = `vectored ${cursorOf(reply).id}`;
    if (isSearch(command)) cursors.add(mark);
    const isOfSearch =
      command.name === 'find' ? isSearch(command) : cursors.has(`vectored ${fieldIn(command.body, 'getMore')}`);
    return isOfSearch ? changeBatch(reply, (entry) => [grouped(entry)]) : reply;
  },
};

function isSearch({ name, database, body }: Command): boolean {
  if (name !== 'find' || database !== 'local' || fieldIn(body, 'find') !== 'oplog.rs') return false;
  const { $or = [] } = (fieldIn(body, 'filter') ?? {}) as { readonly $or?: readonly Document[] };
  return $or.some((clause) => clause['o.applyOps'] !== undefined);
}

function withInserts(clauses: Buffer): Buffer {
  const elements = elementsOf(clauses).map(({ bytes }) => bytes);
  return assemble([...elements, ...encodeElements({ [elements.length]: PLAIN_INSERTS })]);
}

function grouped(entry: Buffer): Buffer {
  if (fieldIn(entry, 'op') !== 'i' || fieldIn(entry, 'fromMigrate') !== undefined) return entry;
  const elements = elementsOf(entry);
  const operation = assemble(elements.filter(({ name }) => OF_OPERATION.includes(name)).map(({ bytes }) => bytes));
  const command = changeIn(
    assemble(encodeElements({ op: 'c', ns: 'admin.$cmd', o: { applyOps: [{}] } })),
    'o',
    (change) => changeIn(change, 'applyOps', (list) => changeIn(list, '0', () => operation)),
  );
  const others = elements.filter(({ name }) => !OF_OPERATION.includes(name));
  return assemble([...elementsOf(command), ...others].map(({ bytes }) => bytes));
}
