import type { Sizes } from '../../../src/engine/preflight/sizes.ts';

/** The sizes of a cluster without data. */
export const NOTHING: Sizes = {
  collections: 0,
  views: 0,
  documents: 0,
  bytes: 0,
  storedBytes: 0,
  indexes: 0,
  indexBytes: 0,
  left: 0,
};
