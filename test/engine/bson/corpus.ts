import { document, element, int32 } from '../../../src/engine/bson/raw-document.ts';

/** Largest document that a server stores. */
const LARGEST_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** A value as the server stores it: type byte and bytes. */
type Value = readonly [type: number, bytes: Buffer];

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** All types of the BSON specification, deprecated ones included, each with the values that a decoder is likely to change. */
const VALUES: Readonly<Record<string, Value>> = {
  'double 1.0': [0x01, double(1)],
  'double -0': [0x01, double(-0)],
  'double NaN': [0x01, double(Number.NaN)],
  'double NaN with a payload': [0x01, hex('01 00 00 00 00 00 f8 ff')],
  'double -Infinity': [0x01, double(Number.NEGATIVE_INFINITY)],
  'double, denormal': [0x01, hex('01 00 00 00 00 00 00 00')],
  'string, empty': [0x02, string('')],
  'string with a zero': [0x02, string('a\0b')],
  'string that is no UTF-8': [0x02, hex('04000000 fffec3 00')],
  'document, empty': [0x03, document()],
  'document with a key twice': [0x03, document(element(0x10, 'k', int32(1)), element(0x02, 'k', string('2')))],
  'array, empty': [0x04, document()],
  'array with odd keys': [0x04, document(element(0x10, '5', int32(1)), element(0x10, 'x', int32(2)))],
  'binary, empty': [0x05, hex('00000000 00')],
  'binary function': [0x05, hex('01000000 01 ff')],
  'binary, old form': [0x05, hex('06000000 02 02000000 abcd')],
  'binary, old UUID': [0x05, Buffer.concat([hex('10000000 03'), Buffer.alloc(16, 3)])],
  'binary UUID': [0x05, Buffer.concat([hex('10000000 04'), Buffer.alloc(16, 4)])],
  'binary MD5': [0x05, Buffer.concat([hex('10000000 05'), Buffer.alloc(16, 5)])],
  'binary, sensitive': [0x05, hex('02000000 08 0102')],
  'binary vector': [0x05, hex('04000000 09 27000102')],
  'binary, user defined': [0x05, hex('02000000 80 0102')],
  undefined: [0x06, Buffer.alloc(0)],
  ObjectId: [0x07, Buffer.alloc(12, 7)],
  true: [0x08, hex('01')],
  false: [0x08, hex('00')],
  'date before 1970': [0x09, hex('ffffffffffffffff')],
  'date beyond JavaScript': [0x09, hex('ffffffffffffff7f')],
  null: [0x0a, Buffer.alloc(0)],
  'regular expression': [0x0b, Buffer.from('^a\\d+$\0imsx\0')],
  'regular expression, empty': [0x0b, Buffer.from('\0\0')],
  DBPointer: [0x0c, Buffer.concat([string('db.c'), Buffer.alloc(12, 12)])],
  code: [0x0d, string('function () {}')],
  symbol: [0x0e, string('symbol')],
  'code with scope': [0x0f, codeWithScope('f()', document(element(0x01, 'd', double(1))))],
  int32: [0x10, int32(-1)],
  timestamp: [0x11, hex('01000000 02000000')],
  'timestamp, empty': [0x11, Buffer.alloc(8)],
  'timestamp, highest': [0x11, hex('ffffffff ffffffff')],
  int64: [0x12, hex('01000000 00000000')],
  'int64, lowest': [0x12, hex('00000000 00000080')],
  'decimal 1.00': [0x13, hex('6400000000000000 0000000000003c30')],
  'decimal -0E+3': [0x13, hex('0000000000000000 00000000000046b0')],
  'decimal NaN': [0x13, hex('0000000000000000 000000000000007c')],
  'decimal, not canonical': [0x13, hex('ffffffffffffffff ffffffffffff3f6c')],
  MinKey: [0xff, Buffer.alloc(0)],
  MaxKey: [0x7f, Buffer.alloc(0)],
};

const NAMES = [
  '',
  ' ',
  '0',
  '10',
  '2',
  'a.b',
  '.',
  '..',
  '$',
  '$set',
  '$ref',
  '__proto__',
  'constructor',
  'ключ',
  'a\u0301',
];

/** A document of the corpus. All have an int32 `v`, which an update can change without changing the size. */
export interface CorpusDocument {
  readonly what: string;
  readonly bytes: Buffer;
}

export const corpus: readonly CorpusDocument[] = [
  ...Object.entries(VALUES).flatMap(([what, value]) => positions(what, value)),
  ...NAMES.map((name) => whole(`the name "${name}"`, [named(name)])),
  whole('all names in one document', NAMES.map(named)),
  whole('names and paths alike', [
    element(0x10, 'a.b', int32(1)),
    element(0x03, 'a', document(element(0x10, 'b', int32(2)), element(0x10, 'b.c', int32(3)))),
  ]),
  whole('a name that is no UTF-8', [Buffer.concat([hex('10 fffe 00'), int32(1)])]),
  whole('the same key twice', [element(0x10, 'k', int32(1)), element(0x02, 'k', string('again'))]),
  whole('100 levels', [nested(98)]),
  whole('180 levels', [nested(178)]),
  whole('180 levels and an empty timestamp', [element(0x11, 't', Buffer.alloc(8)), nested(178)]),
  filled('16 MiB', []),
  filled('16 MiB and an empty timestamp', [element(0x11, 't', Buffer.alloc(8))]),
  filled('16 MiB and a $-prefixed name', [element(0x10, '$set', int32(1))]),
];

/** A value at the top, in a document, in an array, and deeper. */
function positions(what: string, [type, bytes]: Value): CorpusDocument[] {
  const inDocument = element(0x03, 'd', document(element(type, 'value', bytes)));
  const inArray = element(0x04, 'a', document(element(type, '0', bytes), element(type, '1', bytes)));
  return [
    whole(what, [element(type, 't', bytes)]),
    whole(`${what}, nested`, [inDocument, inArray, element(0x03, 'm', document(inArray, inDocument))]),
  ];
}

function whole(what: string, elements: readonly Buffer[]): CorpusDocument {
  return { what, bytes: document(element(0x02, '_id', string(what)), element(0x10, 'v', int32(1)), ...elements) };
}

/** Exactly as large as a document may be. */
function filled(what: string, elements: readonly Buffer[]): CorpusDocument {
  const withText = (length: number) => whole(what, [...elements, element(0x02, 'text', string('x'.repeat(length)))]);
  return withText(LARGEST_DOCUMENT_BYTES - withText(0).bytes.length);
}

/** An int32 of that name in UTF-8. */
function named(name: string): Buffer {
  return Buffer.concat([hex('10'), Buffer.from(`${name}\0`), int32(1)]);
}

function nested(levels: number): Buffer {
  let inner = document(element(0x10, 'v', int32(1)));
  for (let level = 1; level < levels; level += 1) inner = document(element(0x03, 'n', inner));
  return element(0x03, 'n', inner);
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  return Buffer.concat([int32(bytes.length), bytes]);
}

function codeWithScope(code: string, scope: Buffer): Buffer {
  const text = string(code);
  return Buffer.concat([int32(4 + text.length + scope.length), text, scope]);
}
