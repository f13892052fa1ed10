import { z } from 'zod';

/** How many, or how much. Estimates and rates may have fractions. */
export const count = z.number().nonnegative();

/** A measured number; null while it is unknown. */
export const figure = z.number().nullable();

/** A point in time in UTC: `2026-11-27T18:00:00.000Z`. */
export const date = z.iso.datetime();

/** An immutable list. */
export function listOf<Item extends z.ZodType>(item: Item): z.ZodType<readonly z.output<Item>[]> {
  return z.array(item) as z.ZodType<readonly z.output<Item>[]>;
}
