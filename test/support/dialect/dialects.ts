import type { Fact } from './fact.ts';
import { MARK_IN_ENTRY, MARK_IN_STORAGE } from './facts/bucketing-marks.ts';
import { CREATE_OPTIONS } from './facts/create-options.ts';
import { DEFAULT_MAX_TIME } from './facts/default-max-time.ts';
import { END_OF_TRANSACTION, KIND_OF_CREATED, START_OF_BUILD } from './facts/events.ts';
import { RESUME_TOKEN } from './facts/resume-token.ts';
import { SIMPLE_COLLATION } from './facts/simple-collation.ts';
import { VIEWLESS_TIME_SERIES } from './facts/time-series.ts';
import { VECTORED_INSERTS } from './facts/vectored-inserts.ts';
import { VERSION } from './facts/version.ts';
import { WRITE_BLOCK } from './facts/write-block.ts';

/** How a version of MongoDB differs from the real 6.0 behind the proxy, as far as facts tell. */
export interface VersionDialect {
  readonly version: string;
  readonly level: string;
  readonly maxWireVersion: number;
  readonly facts: readonly Fact[];
}

/** The facts of each of these versions, which those after it have, too. */
const SINCE_7_0 = [...VERSION];
const SINCE_8_0 = [
  ...SINCE_7_0,
  DEFAULT_MAX_TIME,
  ...WRITE_BLOCK,
  START_OF_BUILD,
  END_OF_TRANSACTION,
  RESUME_TOKEN,
  VECTORED_INSERTS,
];
const SINCE_8_2 = [...SINCE_8_0, KIND_OF_CREATED, CREATE_OPTIONS];
const SINCE_9_0 = [...SINCE_8_2, ...VIEWLESS_TIME_SERIES];

/** A version that isn't here, such as 8.3, is unknown. */
const DIALECTS: Readonly<Record<string, VersionDialect>> = {
  '7.0': { version: '7.0.29', level: '7.0', maxWireVersion: 21, facts: SINCE_7_0 },
  '8.0': { version: '8.0.18', level: '8.0', maxWireVersion: 25, facts: [...SINCE_8_0, MARK_IN_ENTRY] },
  '8.2': { version: '8.2.4', level: '8.2', maxWireVersion: 27, facts: [...SINCE_8_2, MARK_IN_STORAGE] },
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
