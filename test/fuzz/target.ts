import type { SeededRandom } from '../support/seeded-random.ts';

/** A reader of strangers' input. */
export interface FuzzTarget {
  readonly name: string;
  open(): Promise<OpenTarget>;
}

/** A target whose servers are running. */
export interface OpenTarget extends AsyncDisposable {
  /** Tries one input. @throws Error with the input and the violated rule */
  attempt(random: SeededRandom): Promise<void> | void;
}
