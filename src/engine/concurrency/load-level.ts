import type { LoadLevel } from '../../contract/index.ts';

/** The limits of copy and comparison at a load level. Changes always flow at full speed: a limit would only add lag. */
export interface Load {
  readonly partitionsAtATime: number;
  readonly batchesInFlight: number;
}

const LOADS: Readonly<Record<LoadLevel, Load>> = {
  1: { partitionsAtATime: 1, batchesInFlight: 1 },
  2: { partitionsAtATime: 2, batchesInFlight: 1 },
  3: { partitionsAtATime: 4, batchesInFlight: 2 },
  4: { partitionsAtATime: 8, batchesInFlight: 3 },
};

export function loadOf(level: LoadLevel): Load {
  return LOADS[level];
}
