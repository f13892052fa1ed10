import type { Kind, QueriedFields } from './kinds.ts';

/** Selects numbers by their limits. */
export interface Range {
  readonly gt?: number;
  readonly gte?: number;
  readonly lte?: number;
}

/** Selects an object with one of these fields, and with this value under it: as it is, or in its list. */
export interface HasEntry {
  readonly names: readonly string[];
  readonly value?: string;
}

/**
 * A condition on a field: a value that it equals, or an operator.
 *
 * - `in`: it equals one of these values.
 * - `gt`, `gte`, `lte`: it is not null, and within these limits.
 * - `contains`: it contains this text, in any case of ASCII letters.
 * - `hasEntry`: as {@link HasEntry}.
 */
export type Condition<Value> =
  | (Value extends object ? { readonly hasEntry: HasEntry } : Value)
  | { readonly in: readonly Extract<Value, string | number>[] }
  | (Value extends number ? Range : never)
  | (Value extends string ? { readonly contains: string } : never);

/** Selects records that meet all conditions. An adapter refuses `undefined` as a condition. */
export type Where<K extends Kind> = { readonly [F in keyof QueriedFields[K]]?: Condition<QueriedFields[K][F]> };

/** Selects a part of a list. */
export interface Window<K extends Kind> {
  /** Whether to read the list from its end. */
  readonly reverse?: boolean;
  /** Only the first record of those with equal values in these fields. */
  readonly firstOfEach?: readonly (keyof QueriedFields[K])[];
  readonly skip?: number;
  readonly limit?: number;
}
