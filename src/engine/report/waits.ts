import { dateOf, type Wait } from '../../contract/index.ts';
import { counted, type UserError } from '../../platform/index.ts';
import type { Migrated } from '../collections/context.ts';
import type { Pace } from '../records/context.ts';

/** The stream normally shows a drop within milliseconds of its discovery. */
const TOLD_AFTER_MS = 5_000;
const NOT_SHOWN =
  "the source's primary does not have it, and its change stream has not shown that it was dropped: are most of its members there?";

/**
 * Returns everything that the migration waits for: servers, and collections with something that the destination
 * refuses.
 */
export function waitsOf(context: Pace & Migrated): Wait[] {
  const { wait } = context.drops;
  return [
    ...(wait === undefined ? [] : [wait]),
    ...waitsBesideDrops(context),
    ...waitsOfDisplaced(context, TOLD_AFTER_MS),
  ];
}

/** Returns a wait for each collection with documents that made room for others `afterMs` ago or earlier. */
export function waitsOfDisplaced({ tracked, clock }: Pace & Migrated, afterMs: number): Wait[] {
  return [...tracked.values()].flatMap(({ namespace, displaced }) => {
    const [oldest] = displaced.values();
    if (oldest === undefined || clock.elapsed() - oldest.elapsedMs < afterMs) return [];
    const reason = `${counted(displaced.size, 'document')} made room for unique values of others, and must be written again`;
    return [{ for: namespace, since: dateOf(oldest.sinceMs), reason }];
  });
}

/** Returns all waits but the one for a confirmation of drops. */
export function waitsBesideDrops(context: Pace & Migrated): Wait[] {
  const { retrier, tracked } = context;
  const refused = [...tracked.values()].flatMap(({ namespace, stuck, indexesStuck }) =>
    [stuck, indexesStuck]
      .filter((refusal) => refusal !== undefined)
      .map(({ sinceMs, error }) => ({ for: namespace, since: dateOf(sinceMs), reason: error.message })),
  );
  return [...retrier.waits, ...refused, ...missingOf(context)];
}

/** Collections that were found dropped without a change in the stream. */
function missingOf({ tracked, drops, clock }: Pace & Migrated): Wait[] {
  return [...tracked.values()].flatMap((collection) => {
    const { missing, namespace } = collection;
    if (missing === undefined || drops.has(collection) || clock.elapsed() - missing.elapsedMs < TOLD_AFTER_MS)
      return [];
    return [{ for: namespace, since: dateOf(missing.sinceMs), reason: NOT_SHOWN }];
  });
}

/**
 * Returns the error that keeps an unattended migration from ending, once it waits only for collections that need an
 * operator.
 */
export function lastRefusal({ tracked }: Migrated): UserError | undefined {
  let first: UserError | undefined;
  for (const { state, stuck, indexesStuck } of tracked.values()) {
    if (state === 'live' && !indexesStuck) continue;
    const refusal = stuck ?? indexesStuck;
    if (refusal === undefined) return undefined;
    first ??= refusal.error;
  }
  return first;
}
