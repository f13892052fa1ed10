import type { Mutant } from './mutant.ts';
import { OF_ACCOUNTS } from './mutants-of-accounts.ts';
import { OF_AGENT } from './mutants-of-agent.ts';
import { OF_CAPTURE } from './mutants-of-capture.ts';
import { OF_COMPARISON } from './mutants-of-comparison.ts';
import { OF_CONTROL } from './mutants-of-control.ts';
import { OF_CONTROL_PLANE } from './mutants-of-control-plane.ts';
import { OF_COPY } from './mutants-of-copy.ts';
import { OF_CUTOVER } from './mutants-of-cutover.ts';
import { OF_DISPLACED } from './mutants-of-displaced.ts';
import { OF_DOCUMENTS } from './mutants-of-documents.ts';
import { OF_FINISHING } from './mutants-of-finishing.ts';
import { OF_READINESS } from './mutants-of-readiness.ts';
import { OF_RESTORED } from './mutants-of-restored.ts';
import { OF_REVERSAL } from './mutants-of-reversal.ts';
import { OF_REVERSE } from './mutants-of-reverse.ts';
import { OF_SHARDING } from './mutants-of-sharding.ts';
import { OF_UNKNOWN } from './mutants-of-unknown.ts';
import { OF_VERIFICATION } from './mutants-of-verification.ts';

/** All mutants. Each removes one rule that prevents a loss of documents or a wrong report. */
export const MUTANTS: readonly Mutant[] = [
  ...OF_DOCUMENTS,
  ...OF_COPY,
  ...OF_CAPTURE,
  ...OF_UNKNOWN,
  ...OF_CONTROL,
  ...OF_CONTROL_PLANE,
  ...OF_AGENT,
  ...OF_FINISHING,
  ...OF_READINESS,
  ...OF_CUTOVER,
  ...OF_ACCOUNTS,
  ...OF_REVERSE,
  ...OF_RESTORED,
  ...OF_DISPLACED,
  ...OF_VERIFICATION,
  ...OF_COMPARISON,
  ...OF_REVERSAL,
  ...OF_SHARDING,
];
