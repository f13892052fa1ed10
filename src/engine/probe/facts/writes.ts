import { type Document, Long, Timestamp, UUID } from 'mongodb';
import { compareVersions } from '../../mongodb/server-features.ts';
import type { Sight, TrialFact } from '../fact.ts';
import type { Scratch } from '../scratch.ts';

const COLLECTION_UUID_MISMATCH = 361;
const KEEPS = 'keeps it';

/** How the engine writes documents that a plain write changes, and how it pins commands to a collection. */
export const WRITE_FACTS: readonly TrialFact[] = [
  {
    name: 'EMPTY_TIMESTAMP',
    what: 'an upsert by a pipeline, of a document with the timestamp (0, 0)',
    expected: () => [KEEPS],
    meaning: 'Linkspan could write another timestamp than the source has.',
    endangersData: true,
    attempt: (scratch) => written(scratch, 'timestamp', { at: new Timestamp(0n) }),
  },
  {
    name: 'DOLLAR_FIELDS',
    what: 'an upsert by a pipeline, of a document with fields such as $a and b.c',
    expected: () => [KEEPS],
    meaning: 'Linkspan could not write such documents as the source has them.',
    endangersData: true,
    attempt: (scratch) => written(scratch, 'dollar', { $a: 1, 'b.c': 2 }),
  },
  {
    name: 'NUMBER_TYPES',
    what: 'an upsert by a pipeline, of a document with a 64-bit number',
    expected: () => [KEEPS],
    meaning: 'Linkspan could write numbers of another type than the source has.',
    endangersData: true,
    attempt: (scratch) => written(scratch, 'numbers', { n: Long.fromNumber(1) }),
  },
  {
    name: 'COLLECTION_UUID',
    what: 'a find, an insert and a delete that name the UUID of another collection',
    expected: () => [`all refused (${COLLECTION_UUID_MISMATCH})`],
    meaning: 'Linkspan could read or write a collection that was renamed or dropped meanwhile.',
    endangersData: true,
    attempt: async (scratch) => {
      const name = 'pinned';
      await scratch.write({ insert: name, documents: [{ _id: 1 }] });
      const collectionUUID = new UUID();
      const codes = [
        await codeOf(scratch.read({ find: name, collectionUUID })),
        await codeOf(scratch.write({ insert: name, documents: [{ _id: 2 }], collectionUUID })),
        await codeOf(scratch.write({ delete: name, deletes: [{ q: { _id: 1 }, limit: 1 }], collectionUUID })),
      ];
      const isSame = new Set(codes).size === 1;
      return { seen: isSame && codes[0] !== undefined ? `all refused (${codes[0]})` : codes.map(String).join(', ') };
    },
  },
  {
    name: 'VALIDATION_CONSTRAINT',
    what: 'the validation level constraint, and a write that bypasses it',
    expected: ({ level }) =>
      compareVersions(level, '9.0') < 0 ? ['has no such level'] : ['refuses the write', 'has no such level'],
    meaning: 'Linkspan refuses collections with that level by name, in any case.',
    attempt: async (scratch) => {
      const create = { create: 'constraint', validator: { n: 1 }, validationLevel: 'constraint' };
      if ((await codeOf(scratch.write(create))) !== undefined) return { seen: 'has no such level' };
      const past = { insert: 'constraint', documents: [{ n: 2 }], bypassDocumentValidation: true };
      return { seen: (await codeOf(scratch.write(past))) === undefined ? 'takes the write' : 'refuses the write' };
    },
  },
  {
    name: 'GEO_INDEX_OF_TIME_SERIES',
    what: 'a 2dsphere index on measurements of a time series',
    expected: () => ['takes it'],
    meaning: 'A time series whose source has such an index waits until you drop the index there.',
    attempt: async (scratch) => {
      await scratch.write({ create: 'geo', timeseries: { timeField: 'at' } });
      const index = { key: { place: '2dsphere' }, name: 'place' };
      const code = await codeOf(scratch.write({ createIndexes: 'geo', indexes: [index] }));
      return { seen: code === undefined ? 'takes it' : `refuses it (${code})` };
    },
  },
];

async function written(scratch: Scratch, name: string, fields: Document): Promise<Sight> {
  const document = { _id: 1, ...fields };
  const u = [{ $replaceWith: { $literal: document } }];
  await scratch.write({ update: name, updates: [{ q: { _id: 1 }, u, upsert: true }], bypassDocumentValidation: true });
  const same = Object.entries(fields).map(([field, value]) => ({
    $eq: [{ $getField: { field: { $literal: field }, input: '$$ROOT' } }, { $literal: value }],
  }));
  const types = Object.keys(fields).map((field) => ({
    $type: { $getField: { field: { $literal: field }, input: '$$ROOT' } },
  }));
  const { cursor } = await scratch.read({ find: name, projection: { _id: 0, same: { $and: same }, types } });
  const [{ same: isSame, types: seen } = {} as Document] = cursor.firstBatch;
  return { seen: isSame ? KEEPS : 'changes it', replies: { same: isSame, types: seen } };
}

async function codeOf(answer: Promise<unknown>): Promise<unknown> {
  return await answer.then(
    () => undefined,
    (error: { readonly code?: unknown }) => error.code,
  );
}
