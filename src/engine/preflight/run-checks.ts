import { UserError } from '../../platform/index.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import type { Found } from './finding.ts';
import type { Check, Look } from './look.ts';

export interface Outcome {
  readonly found: readonly Found[];
  /** Checks that couldn't run. */
  readonly failures: readonly { readonly check: Check; readonly reason: unknown }[];
}

/**
 * Runs checks in parallel, and returns their findings in order.
 * @param hard  ends the wait for them
 */
export async function runChecks(checks: readonly Check[], look: Look, hard: AbortSignal): Promise<Outcome> {
  const outcomes = await Promise.all(checks.map((check) => runCheck(check, look, hard)));
  return {
    found: distinct(outcomes.flatMap(({ found }) => found)),
    failures: outcomes.flatMap(({ failures }) => failures),
  };
}

async function runCheck(check: Check, look: Look, hard: AbortSignal): Promise<Outcome> {
  try {
    const found = await unlessAborted(Promise.resolve(look).then(check.run), hard);
    if (found !== undefined) return { found, failures: [] };
    return { found: [], failures: [{ check, reason: new Error('it took too long') }] };
  } catch (error) {
    if (error instanceof UserError) return { found: [{ error }], failures: [] };
    return { found: [], failures: [{ check, reason: error }] };
  }
}

/** Removes duplicates: several checks may find the same problem. */
function distinct(found: readonly Found[]): Found[] {
  return [...new Map(found.map((one) => [one.error.message, one])).values()];
}
