import { failpoint } from '../../platform/index.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Pace, Telling } from '../records/context.ts';
import type { ComparedPair } from './compared-pair.ts';
import type { ComparedSide } from './compared-side.ts';
import type { Differences } from './differences.ts';
import type { PairKeys } from './pending-keys.ts';

/** The context of a comparison. */
export interface ComparisonContext extends Pick<Pace & Telling, 'retrier' | 'clock' | 'logger' | 'signal'> {
  readonly source: ComparedSide;
  readonly destination: ComparedSide;
  readonly pending: PairKeys;
  readonly differences: Differences;
  /** How long a difference must last before it counts. */
  readonly settleMs: number;
  /** Target size of a chunk. */
  readonly chunkBytes: number;
  /** Puts the state on record, where the run has a file for it. */
  readonly save: () => void;
}

/** The collection was dropped or renamed on one side; the catalogs show what became of it. */
export class PairMoved extends Error {}

/**
 * Runs a read of one side of a pair until it succeeds.
 * @throws PairMoved when the server no longer has the collection under that name
 */
export async function readOf<T>(
  { retrier }: Pick<Pace, 'retrier'>,
  pair: ComparedPair,
  side: ComparedSide,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await retrier.run(`the ${side.side}`, read);
  } catch (error) {
    if (classify(error) !== 'moved') throw error;
    pair.isMoved = true;
    await failpoint('engine.compare.pair-moved');
    throw new PairMoved(pair.namespace, { cause: error });
  }
}
