import type { Document } from 'mongodb';
import { decode } from '../../bson/decode.ts';
import { RawCursor } from '../../mongodb/raw-cursor.ts';
import type { TrialFact } from '../fact.ts';
import { PROBE_DATABASE, type Scratch } from '../scratch.ts';

/** How a scan in natural order is resumed after a record. */
export const CURSOR_FACTS: readonly TrialFact[] = [
  {
    name: 'NATURAL_RESUME',
    what: 'a scan with $_requestResumeToken, continued with $_resumeAfter',
    expected: () => ['2 documents, then the 2 after them'],
    meaning: 'A copy that is interrupted could leave documents out.',
    endangersData: true,
    attempt: async (scratch) => {
      const token = await afterTwo(scratch, 'natural');
      const { documents } = await scan(scratch, 'natural', { $_resumeAfter: token });
      const rest = documents.map(({ _id }) => _id).join(', ');
      return { seen: `2 documents, then ${rest === '3, 4' ? 'the 2 after them' : `those with _id ${rest}`}` };
    },
  },
  {
    name: 'NATURAL_RESUME_DELETED',
    what: 'the same when the record is deleted meanwhile',
    expected: () => ['error 211'],
    meaning: 'A copy that is interrupted could leave documents out.',
    endangersData: true,
    attempt: async (scratch) => {
      const token = await afterTwo(scratch, 'deleted');
      await scratch.write({ delete: 'deleted', deletes: [{ q: { _id: 2 }, limit: 1 }] });
      const answer = await scan(scratch, 'deleted', { $_resumeAfter: token }).then(
        ({ documents }) => `documents ${documents.map(({ _id }) => _id).join(', ')}`,
        (error: { readonly code?: unknown }) => `error ${error.code}`,
      );
      return { seen: answer };
    },
  },
];

async function afterTwo(scratch: Scratch, name: string): Promise<Document> {
  await scratch.write({ insert: name, documents: [1, 2, 3, 4].map((_id) => ({ _id })) });
  const { documents, token } = await scan(scratch, name, { batchSize: 2 });
  if (documents.length !== 2 || token === null) throw new Error('the scan showed no position');
  return token;
}

/** Reads one batch in natural order. */
async function scan(scratch: Scratch, name: string, options: Document) {
  const find = { find: name, hint: { $natural: 1 }, $_requestResumeToken: true, ...options };
  return await scratch.during(async () => {
    const [cursor, first] = await RawCursor.open(scratch.client, PROBE_DATABASE, find);
    await using _ = cursor;
    const token = first.recordId === null ? null : { $recordId: first.recordId };
    return { documents: [...first.documents].map((bytes) => decode(bytes)), token };
  });
}
