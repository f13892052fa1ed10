import type { SeededRandom } from '../support/seeded-random.ts';

/** One reader of what strangers send. */
export interface FuzzTarget {
  readonly name: string;
  open(): Promise<OpenTarget>;
}

/** A target whose servers run. */
export interface OpenTarget extends AsyncDisposable {
  /** Tries one input. @throws Error that says what must not be, with the input */
  attempt(random: SeededRandom): Promise<void> | void;
}
