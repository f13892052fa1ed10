import {
  BSONSymbol,
  type ClientSession,
  type Collection,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  Timestamp,
} from 'mongodb';
import type { DOCUMENT_KINDS, Id, Step } from './operation.ts';

export interface ModelDocument {
  _id: IdValue;
  z?: number;
  a?: unknown[];
  u?: string | number;
  n?: Long;
  m?: object;
  replaced?: number;
  upserted?: number;
  saved?: number;
}
type IdValue = Int32 | Long | Double | Decimal128 | string | BSONSymbol | { b: number | Long; a: Long };
/** For each type of `_id` another type whose value for the same `n` is equal to the server. */
const TWINS: Readonly<Record<Id['as'], Id['as']>> = {
  int: 'long',
  long: 'int',
  double: 'decimal',
  decimal: 'double',
  longDecimal: 'int',
  minus: 'minus',
  nan: 'nan',
  string: 'symbol',
  symbol: 'string',
  document: 'longDocument',
  longDocument: 'document',
};

type DocumentRunner = (on: Collection<ModelDocument>, step: Step, session?: ClientSession) => Promise<unknown>;

/** The filter `{ _id }`; numbers match documents of any numeric type. */
const byId = ({ id }: Step) => ({ _id: idValue(id) });

/** Field order, types and nesting that a write in another form would lose. */
function bodyOf({ id, x }: Step): Document {
  return { z: x, a: [x, { k: new Int32(x) }, x / 2], u: `${id.as}${id.n}`, n: new Long(x), m: { b: x, a: 1 } };
}

/** Writes to one collection by kind, in a transaction or not. */
export const documentSteps: Readonly<Record<(typeof DOCUMENT_KINDS)[number], DocumentRunner>> = {
  insert: (on, step, session) => on.insertOne({ _id: idValue(step.id), ...bodyOf(step) }, { session }),
  insertMany: (on, step, session) =>
    on.insertMany(
      Array.from({ length: 10 }, (_, n) => ({ _id: idValue({ ...step.id, n }), ...bodyOf({ ...step, x: n }) })),
      { session, ordered: session !== undefined },
    ),
  set: (on, step, session) =>
    on.updateOne(byId(step), { $set: { z: step.x, [`f${step.x % 5}`]: step.x } }, { session }),
  unset: (on, step, session) => on.updateOne(byId(step), { $unset: { z: 1, 'm.b': 1 } }, { session }),
  addNumber: (on, step, session) => on.updateOne(byId(step), { $inc: { n: step.x, 'm.c': 0.5 } }, { session }),
  push: (on, step, session) => on.updateOne(byId(step), { $push: { a: step.x } }, { session }),
  pull: (on, step, session) => on.updateOne(byId(step), { $pull: { a: { $lt: step.x } } }, { session }),
  setElement: (on, step, session) =>
    on.updateOne(byId(step), { $set: { 'a.0': step.x, [`a.${step.x % 4}`]: { '0': step.x } } }, { session }),
  truncate: (on, step, session) =>
    on.updateOne(byId(step), { $push: { a: { $each: [], $slice: step.x % 3 } } }, { session }),
  setDotted: (on, step, session) =>
    on.updateOne(byId(step), [setField('m.a', step.x), setField('a.0', step.x)], { session }),
  setDollar: (on, step, session) => on.updateOne(byId(step), [setField('$set', step.x)], { session }),
  emptyTimestamp: (on, step, session) =>
    on.updateOne(byId(step), [{ $set: { t: { $literal: new Timestamp(0n) } } }], { session }),
  reorder: (on, step, session) =>
    on.updateOne(
      byId(step),
      [{ $replaceWith: { $mergeObjects: [{ u: step.x, last: 1 }, '$$ROOT', { z: '$z' }] } }, { $unset: 'last' }],
      { session },
    ),
  rewriteAll: (on, _, session) => on.updateMany({}, [{ $set: { a: { $reverseArray: '$a' } } }], { session }),
  touchAll: (on, step, session) => on.updateMany({ z: { $lte: step.x } }, { $set: { touched: step.x } }, { session }),
  replace: (on, step, session) => on.replaceOne(byId(step), { ...bodyOf(step), replaced: step.x }, { session }),
  upsert: (on, step, session) => on.replaceOne(byId(step), { upserted: step.x }, { session, upsert: true }),
  delete: (on, step, session) => on.deleteOne(byId(step), { session }),
  deleteMany: (on, step, session) => on.deleteMany({ z: { $gt: step.x } }, { session }),
  retype: async (on, step, session) => {
    await on.deleteOne({ _id: idValue({ n: step.id.n, as: 'int' }) }, { session });
    await on.insertOne({ _id: idValue(step.id), ...bodyOf(step) }, { session });
  },
  // Applications in several languages do this: each saves the object under its key with the number type of its language.
  save: async (on, { id, ...step }, session) => {
    const twin = { n: id.n, as: TWINS[id.as] };
    for (const [saved, saver] of [id, twin, id, id].entries()) {
      const document: ModelDocument = { _id: idValue(saver), ...bodyOf({ ...step, id }), saved };
      await on.replaceOne({ _id: idValue(saver) }, document, { session, upsert: true });
    }
  },
  reinsert: async (on, step, session) => {
    await on.deleteOne(byId(step), { session });
    await on.insertOne({ _id: idValue(step.id), ...bodyOf(step) }, { session });
  },
  swapUnique: async (on, step, session) => {
    const [left, right] = await on.find({}, { session, sort: { z: 1 }, limit: 2, projection: { u: 1 } }).toArray();
    if (!left || !right) return;
    await on.updateOne({ _id: left._id }, { $unset: { u: 1 } }, { session });
    await on.updateOne({ _id: right._id }, { $set: { u: left.u ?? step.x } }, { session });
    await on.updateOne({ _id: left._id }, { $set: { u: right.u ?? -step.x } }, { session });
  },
};

/** Sets a field whose name an ordinary update would take for a path or an operator. */
function setField(field: string, value: number): Document {
  return { $replaceWith: { $setField: { field: { $literal: field }, input: '$$ROOT', value } } };
}

function idValue({ n, as }: Id): IdValue {
  switch (as) {
    case 'int':
      return new Int32(n);
    case 'long':
      return new Long(n);
    case 'double':
      return new Double(n);
    case 'decimal':
      return Decimal128.fromString(`${n}.0`);
    case 'longDecimal':
      return Decimal128.fromString(n % 2 === 0 ? `${n}.000` : `${n}E+0`);
    case 'minus':
      return new Double(-n);
    case 'nan':
      return n % 2 === 0 ? new Double(Number.NaN) : Decimal128.fromString('NaN');
    case 'string':
      return String(n);
    case 'symbol':
      return new BSONSymbol(String(n));
    case 'document':
      return { b: n, a: new Long(1) };
    case 'longDocument':
      return { b: Long.fromNumber(n), a: new Long(1) };
  }
}
