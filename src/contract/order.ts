import { z } from 'zod';
import { DEFAULT_LOAD_LEVEL, loadLevel } from './load-level.ts';
import { loadWindows } from './load-windows.ts';
import { openWindow } from './open-window.ts';

/** The state that an operator wants of a migration. It isn't a command: saying it twice does no harm. */
export const wantedState = z.enum(['RUNNING', 'PAUSED', 'CUTOVER', 'CANCELLED']);

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
  /** Hours of the week with another load level or limit. */
  windows: loadWindows,
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

/** The order of a migration that no one has steered yet. */
export const FIRST_ORDER: Order = {
  revision: 0,
  direction: 0,
  wanted: 'RUNNING',
  drop: false,
  loadLevel: DEFAULT_LOAD_LEVEL,
  copyBytesPerSecond: null,
  windows: [],
  drops: null,
  rehearsal: null,
  abort: null,
  finish: null,
};

/** Returns the load that an order allows at a time. */
export function allowedLoad(
  { loadLevel, copyBytesPerSecond, windows }: Pick<Order, 'loadLevel' | 'copyBytesPerSecond' | 'windows'>,
  atMs: number,
): Pick<Order, 'loadLevel' | 'copyBytesPerSecond'> {
  const window = openWindow(windows, atMs);
  const megabytes = window?.maxMegabytesPerSecond;
  return {
    loadLevel: window?.loadLevel ?? loadLevel,
    copyBytesPerSecond: megabytes === undefined ? copyBytesPerSecond : megabytes && megabytes * 1e6,
  };
}

/** Returns the order with some fields changed, and with the next revision unless that changes nothing. */
export function amended(before: Order, change: Partial<Omit<Order, 'revision'>>): Order {
  const isSame = Object.entries(change).every(
    ([field, value]) => JSON.stringify(before[field as keyof Order]) === JSON.stringify(value),
  );
  return isSame ? before : { ...before, ...change, revision: before.revision + 1 };
}
