import { assemble, elementsOf } from '../../router/elements.ts';
import { batchOf, changeBatch, fieldIn, withField } from '../bson-edits.ts';
import { isStream } from '../change-streams.ts';
import type { Fact } from '../fact.ts';

const SOURCE = 'mongodb/mongo at 135afb64, change_stream_events.md in its documentation';

/** Events of views have no UUID of a collection. */
export const KIND_OF_CREATED: Fact = {
  name: 'the creation of a collection names its kind',
  source: `${SOURCE}; mongodb/specifications source/change-streams, test change-streams-nsType (from 8.1.0 on)`,
  recordedFrom: null,
  commands: ['aggregate', 'getMore'],
  reply: (reply, command) =>
    isStream(command)
      ? changeBatch(reply, (event) => {
          const description = fieldIn(event, 'operationDescription') as { timeseries?: unknown } | undefined;
          if (fieldIn(event, 'operationType') !== 'create' || description === undefined) return [event];
          const kind = fieldIn(event, 'collectionUUID') === undefined ? 'view' : 'collection';
          return [withField(event, 'nsType', description.timeseries === undefined ? kind : 'timeseries')];
        })
      : reply,
};

/**
 * The real event has an earlier time and a token of its own, which 6.0 would not take. A collection without documents
 * has none there.
 */
export const START_OF_BUILD: Fact = {
  name: 'a stream with system events shows the start of an index build',
  source: `${SOURCE} (startIndexBuild; its first version is unknown)`,
  recordedFrom: null,
  commands: ['aggregate', 'getMore'],
  reply: (reply, command) =>
    isStream(command)
      ? changeBatch(reply, (event) =>
          fieldIn(event, 'operationType') === 'createIndexes'
            ? [withField(event, 'operationType', 'startIndexBuild'), event]
            : [event],
        )
      : reply,
};

/** The dialect adds one at the end of each batch, whatever that contains. */
export const END_OF_TRANSACTION: Fact = {
  name: 'a stream shows the end of a transaction, without a namespace',
  source: `${SOURCE}; mongodb/mongo src/mongo/db/server_feature_flags.idl (featureFlagEndOfTransactionChangeEvent, off by default)`,
  recordedFrom: null,
  commands: ['aggregate', 'getMore'],
  reply: (reply, command, { endsTransactions }) => {
    if (!endsTransactions || !isStream(command)) return reply;
    const last = batchOf(reply).at(-1);
    return last === undefined
      ? reply
      : changeBatch(reply, (event) => (event === last ? [event, endAfter(event)] : [event]));
  },
};

function endAfter(event: Buffer): Buffer {
  const kept = elementsOf(event).filter(({ name }) =>
    ['_id', 'operationType', 'clusterTime', 'wallTime'].includes(name),
  );
  return withField(assemble(kept.map(({ bytes }) => bytes)), 'operationType', 'endOfTransaction');
}
