import type { Clock, UserError } from '../../platform/index.ts';
import type { HeldDrops } from '../collections/held-drops.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { Retrier, Wait } from '../mongodb/retry.ts';

/** The parts of a run that are used here. */
export interface WaitsParts {
  readonly retrier: Retrier;
  readonly clock: Clock;
  readonly tracked: Map<string, TrackedCollection>;
  readonly drops: HeldDrops;
}

/** A drop that is met is shown within milliseconds, as a rule. */
const TOLD_AFTER_MS = 5_000;
const NOT_SHOWN =
  "the source's primary does not have it, and its change stream has not shown that it was dropped: are most of its members there?";

/** All that a migration cannot go on without at the moment: servers, and collections of which the destination refuses something. */
export function waitsOf(context: WaitsParts): Wait[] {
  const { retrier, tracked, drops } = context;
  const refused = [...tracked.values()].flatMap(({ namespace, stuck, indexesStuck }) =>
    [stuck, indexesStuck]
      .filter((refusal) => refusal !== undefined)
      .map(({ sinceMs, error }) => ({ for: namespace, sinceMs, reason: error.message })),
  );
  return [...retrier.waits, ...(drops.wait === undefined ? [] : [drops.wait]), ...refused, ...missingOf(context)];
}

/** Collections of which a drop was met that no change of the source has shown. */
function missingOf({ tracked, drops, clock }: WaitsParts): Wait[] {
  return [...tracked.values()].flatMap((collection) => {
    const { missing, namespace } = collection;
    if (missing === undefined || drops.has(collection) || clock.elapsed() - missing.elapsedMs < TOLD_AFTER_MS)
      return [];
    return [{ for: namespace, sinceMs: missing.sinceMs, reason: NOT_SHOWN }];
  });
}

/** What keeps a migration that nobody attends to from its end, once only collections are left that somebody has to do something about. */
export function lastRefusal({ tracked }: WaitsParts): UserError | undefined {
  const unfinished = [...tracked.values()].filter(({ state, indexesStuck }) => state !== 'live' || indexesStuck);
  const refusals = unfinished.map(({ stuck, indexesStuck }) => stuck ?? indexesStuck);
  return refusals.includes(undefined) ? undefined : refusals[0]?.error;
}
