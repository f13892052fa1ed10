import {
  BSON,
  BSONSymbol,
  type CreateIndexesOptions,
  DBRef,
  Decimal128,
  type Document,
  Double,
  Long,
  ObjectId,
} from 'mongodb';
import { element } from '../../../src/engine/bson/raw-document.ts';

const OWNER = new ObjectId();
const INVALID = Buffer.from([3, 0, 0, 0, 0xff, 0xfe, 0]);
const UNDEFINED = Buffer.alloc(0);
/** The server compares strings without regard to case. */
const CASELESS = { collation: { locale: 'en', strength: 2 } };

/** Two documents with a value in common. */
export interface Case {
  readonly what: string;
  readonly index: Document;
  readonly options?: CreateIndexesOptions;
  /** The collection's. */
  readonly collation?: Document;
  /** Options of a second unique index on the same fields. */
  readonly beside?: CreateIndexesOptions;
  /** Fields of a document that has a value in the index, and of one that needs it. */
  readonly holder: Document | Buffer;
  readonly refused: Document | Buffer;
  /** Fields of a document that has other values. */
  readonly bystander?: Document;
}

/** Documents that need a value of another one, for each kind of value and index. */
export const HOLDER_CASES: readonly Case[] = [
  {
    what: 'the id of a DBRef',
    index: { 'owner.$id': 1 },
    holder: { owner: new DBRef('users', OWNER) },
    refused: { owner: new DBRef('people', OWNER, 'shop') },
    bystander: { owner: new DBRef('users', new ObjectId()) },
  },
  {
    what: 'several parts of a DBRef',
    index: { 'owner.$ref': 1, 'owner.$id': -1, 'owner.$db': 1 },
    holder: { owner: new DBRef('users', OWNER, 'shop') },
    refused: { owner: new DBRef('users', OWNER, 'shop') },
    bystander: { owner: new DBRef('users', OWNER, 'other') },
  },
  {
    what: 'a DBRef as a whole',
    index: { owner: 1 },
    holder: { owner: new DBRef('users', OWNER) },
    refused: { owner: new DBRef('users', OWNER) },
    bystander: { owner: new DBRef('users', OWNER, 'shop') },
  },
  {
    what: 'a field of a DBRef in an array',
    index: { 'owners.$id': 1 },
    holder: { owners: [new DBRef('users', OWNER), new DBRef('users', 2 as never)] },
    refused: { owners: [new DBRef('users', 1 as never), new DBRef('users', OWNER)] },
    bystander: { owners: [new DBRef('users', 3 as never)] },
  },
  {
    what: 'a value beside invalid UTF-8',
    index: { seat: 1 },
    holder: { seat: 7 },
    refused: Buffer.concat([element(0x02, 'text', INVALID), fieldsOf({ seat: 7 })]),
    bystander: { seat: 8 },
  },
  {
    what: 'a value that is invalid UTF-8',
    index: { text: 1 },
    holder: element(0x02, 'text', INVALID),
    refused: element(0x02, 'text', INVALID),
    bystander: { text: '\ufffd\ufffd' },
  },
  {
    what: 'a number of another type',
    index: { n: 1 },
    holder: { n: Decimal128.fromString('7.0') },
    refused: { n: new Long(7) },
    bystander: { n: new Double(7.5) },
  },
  {
    what: 'a symbol of the text of a string',
    index: { s: 1 },
    holder: { s: 'text' },
    refused: { s: new BSONSymbol('text') },
    bystander: { s: 'other' },
  },
  {
    what: 'the first of two fields of the same name',
    index: { seat: 1 },
    holder: { seat: 7 },
    refused: Buffer.concat([fieldsOf({ seat: 7 }), fieldsOf({ seat: 8 })]),
    bystander: { seat: 8 },
  },
  {
    what: 'a field whose name is not ASCII',
    index: { 'größe.wert': 1 },
    holder: { größe: { wert: 1 } },
    refused: { größe: { wert: 1 } },
    bystander: { größe: { wert: 2 } },
  },
  {
    what: 'a missing field',
    index: { 'a.b': 1 },
    holder: { a: 5 },
    refused: {},
    bystander: { a: { b: 1 } },
  },
  {
    what: 'a missing field, as an element of an array lacks it',
    index: { 'a.b': 1 },
    holder: { a: { b: null } },
    refused: { a: [{ b: 1 }, { c: 2 }] },
    bystander: { a: { b: 2 } },
  },
  {
    what: 'a missing field, which elements that are no documents lack',
    index: { 'a.b': 1 },
    holder: { a: [1, 2] },
    refused: { a: { b: null } },
    bystander: { a: [{ b: 3 }] },
  },
  {
    what: 'a missing field, which an empty array lacks',
    index: { 'a.b.c': 1 },
    holder: { a: [{ b: [] }] },
    refused: { a: 1 },
    bystander: { a: [{ b: [{ c: 3 }] }] },
  },
  {
    what: 'an empty array',
    index: { a: 1 },
    holder: { a: [] },
    refused: { a: [] },
    bystander: { a: [1] },
  },
  {
    what: 'undefined, which an empty array is to an index',
    index: { a: 1 },
    holder: { a: [] },
    refused: element(0x06, 'a', UNDEFINED),
    bystander: { a: null },
  },
  {
    what: 'an empty array, which undefined is to an index',
    index: { a: 1 },
    holder: element(0x06, 'a', UNDEFINED),
    refused: { a: [] },
    bystander: { a: null },
  },
  {
    what: 'an element of an array',
    index: { a: 1 },
    holder: { a: 2 },
    refused: { a: [1, 2, [3]] },
    bystander: { a: 3 },
  },
  {
    what: 'an array in an array',
    index: { a: 1 },
    holder: { a: [[3], 4] },
    refused: { a: [1, [3]] },
    bystander: { a: [3, 5] },
  },
  {
    what: 'a field below an array, but not below an array in it',
    index: { 'a.b': 1 },
    holder: { a: [{ b: 1 }] },
    refused: { a: [[{ b: 2 }], { b: [0, 1] }] },
    bystander: { a: { b: 2 } },
  },
  {
    what: 'an element of an array by its position',
    index: { 'a.1.b': 1 },
    holder: { a: [{}, { b: 7 }] },
    refused: { a: [{ b: 6 }, [{ b: 8 }, { b: 7 }]] },
    bystander: { a: [{ b: 7 }, { b: 6 }] },
  },
  {
    what: 'several fields, one of them missing',
    index: { a: 1, 'b.c': 1 },
    holder: { a: 1 },
    refused: { a: 1, b: { d: 1 } },
    bystander: { a: 2 },
  },
  {
    what: 'text that a collation takes as equal',
    index: { name: 1 },
    options: CASELESS,
    holder: { name: 'ADA' },
    refused: { name: 'ada' },
    bystander: { name: 'bob' },
  },
  {
    what: 'text in a DBRef that a collation takes as equal',
    index: { 'owner.$id': 1, n: 1 },
    options: CASELESS,
    holder: { owner: new DBRef('users', 'ADA' as never), n: 1 },
    refused: { owner: new DBRef('users', 'ada' as never), n: 1 },
    bystander: { owner: new DBRef('users', 'ADA' as never), n: 2 },
  },
  {
    what: 'a missing field of an index with a collation',
    index: { 'a.b': 1 },
    options: CASELESS,
    holder: { a: [1] },
    refused: { a: [{ b: 'x' }, {}] },
    bystander: { a: { b: 'y' } },
  },
  {
    what: 'a value in a sparse index, beside elements that lack the field',
    index: { 'a.b': 1 },
    options: { sparse: true },
    holder: { a: [{ b: 1 }, {}] },
    refused: { a: [{ c: 1 }, { b: 1 }] },
    bystander: { c: 1 },
  },
  {
    what: 'null in a sparse index, beside documents without the field',
    index: { a: 1 },
    options: { sparse: true },
    holder: { a: null },
    refused: { a: null },
    bystander: { c: 1 },
  },
  {
    what: 'null in a sparse index on two fields, beside documents with neither',
    index: { a: 1, b: 1 },
    options: { sparse: true },
    holder: { a: null },
    refused: { a: null, b: null },
    bystander: { c: 1 },
  },
  {
    what: 'text in an index without the collation of its collection',
    index: { name: 1 },
    options: { collation: { locale: 'simple' } },
    collation: CASELESS.collation,
    holder: { name: 'ada' },
    refused: { name: 'ada' },
    bystander: { name: 'ADA' },
  },
  {
    what: 'a value of a partial index',
    index: { seat: 1 },
    options: { partialFilterExpression: { isBooked: true } },
    holder: { seat: 7, isBooked: true },
    refused: { seat: 7, isBooked: true },
    bystander: { seat: 7, isBooked: false },
  },
  {
    what: 'a value of one of two partial indexes on a field',
    index: { seat: 1 },
    options: { partialFilterExpression: { isBooked: true } },
    beside: { partialFilterExpression: { isHeld: true }, name: 'held' },
    holder: { seat: 7, isHeld: true },
    refused: { seat: 7, isHeld: true },
    bystander: { seat: 7 },
  },
  {
    what: 'a value of a partial index with a collation',
    index: { name: 1 },
    options: { ...CASELESS, partialFilterExpression: { kind: 'guest' } },
    holder: { name: 'ADA', kind: 'GUEST' },
    refused: { name: 'ada', kind: 'guest' },
    bystander: { name: 'ada', kind: 'staff' },
  },
];

/** Returns the elements of a document. */
export function fieldsOf(fields: Document): Buffer {
  return Buffer.from(BSON.serialize(fields)).subarray(4, -1);
}
