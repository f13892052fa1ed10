import type { UserError } from '../../platform/index.ts';
import type { Wait } from '../cluster/retry.ts';
import type { EngineContext } from './context.ts';

/** All that a migration cannot go on without at the moment: servers, and collections of which the destination refuses something. */
export function waitsOf({ retrier, tracked }: EngineContext): Wait[] {
  const refused = [...tracked.values()].flatMap(({ namespace, stuck, indexesStuck }) =>
    [stuck, indexesStuck]
      .filter((refusal) => refusal !== undefined)
      .map(({ sinceMs, error }) => ({ for: namespace, sinceMs, reason: error.message })),
  );
  return [...retrier.waits, ...refused];
}

/** What keeps a migration that nobody attends to from its end, once only collections are left that somebody has to do something about. */
export function lastRefusal({ tracked }: EngineContext): UserError | undefined {
  const unfinished = [...tracked.values()].filter(({ state, indexesStuck }) => state !== 'live' || indexesStuck);
  const refusals = unfinished.map(({ stuck, indexesStuck }) => stuck ?? indexesStuck);
  return refusals.includes(undefined) ? undefined : refusals[0]?.error;
}
