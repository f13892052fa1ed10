import { type BothSides, type CollectionSide, collectionSide } from '../compare/collection-side.ts';
import type { Side } from '../mongodb/side.ts';
import type { ComparedPair } from './compared-pair.ts';
import { type ComparisonContext, readOf } from './comparison-context.ts';
import { refuseRepetition, refuseRepetitions } from './refuse-repetitions.ts';

/** Returns both sides of a compared pair. They fail with PairMoved. */
export function pairSides(context: ComparisonContext, pair: ComparedPair): BothSides {
  return { source: pairSide(context, pair, 'source'), destination: pairSide(context, pair, 'destination') };
}

/** Returns one side of a compared pair. It fails with PairMoved. */
export function pairSide(context: ComparisonContext, pair: ComparedPair, side: Side): CollectionSide {
  const compared = context[side];
  return collectionSide(compared.client, {
    run: (read) => readOf(context, pair, compared, () => read(compared.readFrom(pair))),
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
