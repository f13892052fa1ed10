import type { SourceActivity } from '../mongodb/source-activity.ts';

/** The result of a look at a server, or why there is none. */
export type Measured<T> =
  | { readonly atMs: number; readonly value: T }
  | { readonly atMs: number; readonly whyUnknown: string };

/** The servers' conditions for a cutover; each undefined before the first look. */
export interface MeasuredConditions {
  readonly activity: Measured<SourceActivity> | undefined;
  /** The holder of the source's write block; undefined as a value when it isn't set. */
  readonly sourceBlock: Measured<string | undefined> | undefined;
  /** Undefined as a value when the user may not ask. */
  readonly destinationIsBlocked: Measured<boolean | undefined> | undefined;
}

/** A cutover waits for transactions that are a tenth as old. Below this they end before an operator could act. */
export const LONG_TRANSACTION_SECONDS = 1;
