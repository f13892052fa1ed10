import type { BothSides, CollectionSide } from '../compare/collection-side.ts';
import { readRange } from '../compare/document-reader.ts';
import { readKeys } from '../compare/read-keys.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import type { Side } from '../mongodb/side.ts';
import type { ComparedPair } from './compared-pair.ts';
import { type ComparisonParts, readOf } from './comparison-parts.ts';
import { refuseRepetition, refuseRepetitions } from './refuse-repetitions.ts';

/** Returns both sides of a compared pair. They fail with PairMoved. */
export function pairSides(parts: ComparisonParts, pair: ComparedPair): BothSides {
  return { source: pairSide(parts, pair, 'source'), destination: pairSide(parts, pair, 'destination') };
}

/** Returns one side of a compared pair. It fails with PairMoved. */
export function pairSide(parts: ComparisonParts, pair: ComparedPair, side: Side): CollectionSide {
  const compared = parts[side];
  const { client } = compared;
  return {
    read: (range, limit) =>
      readOf(parts, pair, compared, async () => {
        const batch = await readRange(client, compared.readFrom(pair), range, limit);
        compared.note(batch.operationTime);
        await refuseRepetitions(compared, pair, range.after, batch.documents);
        return batch;
      }),
    readKeys: (keys, take, projection = {}) =>
      readOf(parts, pair, compared, async () => {
        const read = await readKeys(client, { ...compared.readFrom(pair), projection }, keys, take);
        compared.note(read.time);
        if (read.repeated !== undefined) await refuseRepetition(compared, pair, read.repeated);
        return read;
      }),
    find: (fields) =>
      readOf(parts, pair, compared, () => {
        const { database, name, uuid, readConcern } = compared.readFrom(pair);
        const pinned = uuid === undefined ? {} : { collectionUUID: uuid };
        return RawCursor.open(client, database, { find: name, ...fields, ...pinned, readConcern });
      }),
  };
}
