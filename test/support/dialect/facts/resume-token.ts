import { UUID } from 'mongodb';
import { changeIn, fieldIn, withField, without } from '../bson-edits.ts';
import type { Fact } from '../fact.ts';

/** Each member has one from the time when it joined its set. The dialect has one for all. */
const INITIAL_SYNC = new UUID('6747e1a2-c0ff-4e00-8000-000000000001');

export const RESUME_TOKEN: Fact = {
  name: 'the position of a read in natural order names the initial sync of its member',
  source:
    'SERVER-79848; mongodb/mongo src/mongo/db/query/query_request_helper.cpp (validateResumeInput) and jstests/core/query/resume_query.js',
  recordedFrom: null,
  commands: ['find', 'getMore'],
  request: ({ body }) => changeIn(body, '$_resumeAfter', (position) => without(position, '$initialSyncId')),
  reply: (reply) =>
    changeIn(reply, 'cursor', (cursor) =>
      changeIn(cursor, 'postBatchResumeToken', (position) =>
        fieldIn(position, '$recordId') === undefined ? position : withField(position, '$initialSyncId', INITIAL_SYNC),
      ),
    ),
};
