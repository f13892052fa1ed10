import type { Fact } from './fact.ts';
import { DEFAULT_MAX_TIME } from './facts/default-max-time.ts';
import { SIMPLE_COLLATION } from './facts/simple-collation.ts';
import { VIEWLESS_TIME_SERIES } from './facts/time-series.ts';
import { VERSION } from './facts/version.ts';

/** How a version of MongoDB differs from the real 6.0 behind the proxy, as far as facts tell. */
export interface VersionDialect {
  readonly version: string;
  readonly level: string;
  readonly maxWireVersion: number;
  readonly facts: readonly Fact[];
}

const SINCE_7_0 = [...VERSION];
const SINCE_8_0 = [...SINCE_7_0, DEFAULT_MAX_TIME];
const SINCE_8_2 = [...SINCE_8_0];
const SINCE_9_0 = [...SINCE_8_2, ...VIEWLESS_TIME_SERIES];

/** A version that isn't here, such as 8.3, is unknown. */
const DIALECTS: Readonly<Record<string, VersionDialect>> = {
  '7.0': { version: '7.0.29', level: '7.0', maxWireVersion: 21, facts: SINCE_7_0 },
  '8.0': { version: '8.0.18', level: '8.0', maxWireVersion: 25, facts: SINCE_8_0 },
  '8.2': { version: '8.2.4', level: '8.2', maxWireVersion: 27, facts: SINCE_8_2 },
  '9.0.0': { version: '9.0.0', level: '9.0', maxWireVersion: 29, facts: [...SINCE_9_0, SIMPLE_COLLATION] },
  '9.0.3': { version: '9.0.3', level: '9.0', maxWireVersion: 29, facts: SINCE_9_0 },
};

export const DIALECT_NAMES: readonly string[] = Object.keys(DIALECTS);

/** @throws Error with the names of all dialects */
export function dialectNamed(name: string): VersionDialect {
  const dialect = DIALECTS[name];
  if (dialect === undefined) throw new Error(`no dialect "${name}"; there are ${DIALECT_NAMES.join(', ')}`);
  return dialect;
}
