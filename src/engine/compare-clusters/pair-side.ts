import { type BothSides, type CollectionSide, collectionSide } from '../compare/collection-side.ts';
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
  return collectionSide(compared.client, {
    run: (read) => readOf(parts, pair, compared, () => read(compared.readFrom(pair))),
    checkRange: async ({ after }, { operationTime, documents }) => {
      compared.note(operationTime);
      await refuseRepetitions(compared, pair, after, documents);
    },
    checkKeys: async ({ time, repeated }) => {
      compared.note(time);
      if (repeated !== undefined) await refuseRepetition(compared, pair, repeated);
    },
  });
}
