import { messageOf, UserError } from '../../platform/index.ts';
import { changedAccounts, readAccountsDigest } from '../accounts/accounts-digest.ts';
import { type ChangeEvent, concerns, isDocumentChange } from '../capture/change-event.ts';
import { ChangeStream, type ResumeToken } from '../capture/change-stream.ts';
import type { Migrated, RunContext } from '../collections/context.ts';
import { Look } from '../collections/seen-changes.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { readByKeys } from '../compare/read-by-keys.ts';
import { isBefore, writeBarrier } from '../mongodb/cluster-time.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import { Retrier } from '../mongodb/retry.ts';
import type { Clusters, Telling } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { shownChanges, shownNamespaces } from './bypassed.ts';

/** A writer that bypasses the block, or wasn't stopped, writes again within this time. */
const AT_LEAST_MS = 1_000;
/** Later writes mean that the source is used for something else. */
const AT_MOST_MS = 60_000;
const BETWEEN_LOOKS_MS = 200;
const BARRIER_WAIT_MS = 20;
/** The source may be switched off by now, and that must not delay the end. */
const LAST_LOOK_WITHIN_MS = 5_000;

/**
 * Does the work after the point of no return, and meanwhile watches the source from the stream's position on: new
 * writes there exist on the source only. They raise an alarm, which stays on record. A source that can't be read
 * doesn't prevent the end.
 */
export async function watchAfterCommit(
  context: RunContext,
  log: MigrationLog,
  work: () => Promise<void>,
): Promise<void> {
  const { drainedTo: from, reverseFrom } = log.record.cutover ?? {};
  if (from === undefined) return await work();
  const { clock, logger, signal } = context;
  const over = new AbortController();
  const late = new AbortController();
  const looking = lookUntil(
    lookingContext(context, AbortSignal.any([signal, late.signal])),
    log,
    from,
    over.signal,
  ).catch((error: unknown) => {
    if (!signal.aborted)
      logger.warn(
        { event: 'cutover.late_writes_unchecked', reason: messageOf(error) },
        'Could not check whether the source was written to after the commit',
      );
  });
  // The failback compares all of the source, and overwrites writes of other clients there.
  const atLeast = reverseFrom === undefined ? clock.sleep(AT_LEAST_MS, signal) : undefined;
  try {
    await work();
    await Promise.race([atLeast, looking]);
  } finally {
    over.abort();
    // rule: look-without-source-is-bounded
    await Promise.race([looking, clock.sleep(LAST_LOOK_WITHIN_MS, signal)]);
    late.abort();
  }
}

/** Returns the context with a retrier of its own: this wait delays no one, so it isn't reported. */
function lookingContext(context: RunContext, signal: AbortSignal): RunContext {
  return { ...context, retrier: new Retrier(context.clock, context.logger, signal), signal };
}

async function lookUntil(context: RunContext, log: MigrationLog, from: ResumeToken, over: AbortSignal): Promise<void> {
  const { clock, retrier, source } = context;
  const endsAt = clock.elapsed() + AT_MOST_MS;
  const look = new Look();
  let { accounts } = log.record.cutover ?? {};
  await using stream = ChangeStream.ofSource(context, from);
  for (let isLast = false; !isLast; ) {
    isLast = over.aborted || clock.elapsed() >= endsAt;
    const time = await retrier.run('the source', () => writeBarrier(source));
    const before = look.count;
    for (let reached = false; !reached; ) {
      const batch = await stream.next(BARRIER_WAIT_MS);
      await note(context, look, batch.events);
      reached = !isBefore(batch.time, time);
    }
    // No stream shows changes of users.
    if (accounts !== undefined) {
      const readConcern = { level: 'majority', afterClusterTime: time } as const;
      const now = await retrier.run('the source', () => readAccountsDigest(source, readConcern));
      // rule: late-account-changes
      for (const namespace of changedAccounts(accounts, now)) look.add(namespace, 1);
      accounts = now;
    }
    if (look.count > before) await alarm(context, log, look);
    if (!isLast) await clock.sleep(BETWEEN_LOOKS_MS, AbortSignal.any([over, context.signal]));
  }
}

async function note(context: Clusters & Migrated, look: Look, events: readonly ChangeEvent[]): Promise<void> {
  const filtered = new Map<TrackedCollection, ChangeEvent[]>();
  for (const event of events.filter((one) => concerns(context.selection, one))) {
    const collection = filteredCollection(context, event);
    if (collection === undefined) look.add(`${event.database}.${event.collection}`, 1);
    else filtered.set(collection, [...(filtered.get(collection) ?? []), event]);
  }
  for (const [collection, changes] of filtered) {
    const matching = await countMatching(context, collection, changes);
    if (matching > 0) look.add(collection.namespace, matching);
  }
}

function filteredCollection(
  { tracked }: Migrated,
  { collectionId, database, collection }: ChangeEvent,
): TrackedCollection | undefined {
  const isMeant = (one: TrackedCollection) =>
    collectionId === undefined ? one.namespace === `${database}.${collection}` : one.id === collectionId;
  return [...tracked.values()].find((one) => one.filter !== null && isMeant(one));
}

/**
 * Counts writes to selected documents of a filtered collection. Other documents may be written, because the source
 * isn't blocked. Deleted documents can't be matched any more.
 */
async function countMatching(
  { source }: Clusters,
  collection: TrackedCollection,
  changes: readonly ChangeEvent[],
): Promise<number> {
  const keys = changes.filter(isDocumentChange).map(({ key }) => key);
  const read = { find: collection.sourceName, projection: { _id: 1 }, readConcern: { level: 'majority' } };
  const found = await readByKeys(keys, collection.isClustered, (filter) =>
    readAll(source, collection.sourceDatabase, { ...read, filter: collection.selected(filter) }),
  );
  return found.flat().length;
}

async function alarm(context: Telling, log: MigrationLog, look: Look): Promise<void> {
  const writtenAfterCommit = { count: look.count, namespaces: shownNamespaces(look) };
  context.logger.error(
    { event: 'cutover.late_writes', ...writtenAfterCommit },
    writtenAfterCommitWarning(writtenAfterCommit).message,
  );
  // rule: late-writes-on-record
  await log.advanceCutover('late writes counted', { writtenAfterCommit });
}

/** Returns the warning that stays with the migration. */
export function writtenAfterCommitWarning({
  count,
  namespaces,
}: {
  readonly count: number;
  readonly namespaces: string;
}): UserError {
  return new UserError('SOURCE_WRITTEN_AFTER_COMMIT', [shownChanges(count), namespaces]);
}
