import { z } from 'zod';

/** The state that an operator wants of a migration. It isn't a command: saying it twice does no harm. */
export const wantedState = z.enum(['RUNNING', 'PAUSED', 'CUTOVER', 'CANCELLED']);

/** How much load the initial sync may cause, with mongosync's numbers: 1 is the lowest. */
export const loadLevel = z.literal([1, 2, 3, 4]);

/** How often the direction of a migration was reversed. */
const direction = z.number().int().nonnegative();

/**
 * All that an operator wants of a migration, as one value. Control plane, link, agent, `linkspan sync` and library pass it
 * on as it is, and the engine follows it (docs/adr/0037-order.md).
 */
export const order = z.object({
  /** Grows with each change: a refusal of the engine concerns one revision. */
  revision: z.number().int().nonnegative(),
  /** The direction that `wanted`, `rehearsal` and `abort` are about. One more than the engine's asks it to reverse. */
  direction,
  wanted: wantedState,
  /** With `CANCELLED`: whether the copied data is dropped too. */
  drop: z.boolean(),
  loadLevel,
  /** Limit of the initial sync; null for none other than that of the options. */
  copyBytesPerSecond: z.number().positive().nullable(),
  /** The last confirmation of drops, a number that grows, and the direction whose drops it is about. */
  drops: z.object({ direction, confirmed: z.number() }).nullable(),
  /** The last rehearsal of the cutover that was asked for, a number that grows. */
  rehearsal: z.number().nullable(),
  /** The last abort of a cutover that was asked for, a number that grows. It counts unless `wanted` is `CUTOVER`. */
  abort: z.number().nullable(),
  /** The direction of the cutover whose failback is to be closed; `LAST` where only the clusters' records know it. */
  finish: z.union([direction, z.literal('LAST')]).nullable(),
});

export type Order = z.output<typeof order>;
export type WantedState = z.output<typeof wantedState>;
export type LoadLevel = z.output<typeof loadLevel>;

export const DEFAULT_LOAD_LEVEL: LoadLevel = 3;

/** The order of a migration that no one has steered yet. */
export const FIRST_ORDER: Order = {
  revision: 0,
  direction: 0,
  wanted: 'RUNNING',
  drop: false,
  loadLevel: DEFAULT_LOAD_LEVEL,
  copyBytesPerSecond: null,
  drops: null,
  rehearsal: null,
  abort: null,
  finish: null,
};

/** Returns the order with some fields changed, and with the next revision unless that changes nothing. */
export function amended(before: Order, change: Partial<Omit<Order, 'revision'>>): Order {
  const isSame = Object.entries(change).every(([field, value]) => before[field as keyof Order] === value);
  return isSame ? before : { ...before, ...change, revision: before.revision + 1 };
}
