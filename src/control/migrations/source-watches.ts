import { dateOf, newWatch, type Progress, type SourceWatchState } from '../../contract/index.ts';
import type { Report } from '../../link/index.ts';
import { counted } from '../../platform/index.ts';
import { type Author, audit } from '../audit/audit.ts';
import { endWatch } from '../links/end-watches.ts';
import type { Control } from '../ports/control.ts';
import type { Agent, Migration } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';

/** After the end of a watch's time, its agent may report its end. */
const REPORTED_WITHIN_MS = 10 * 60_000;

/**
 * Returns the watch that begins with a commit; undefined when the source isn't blocked, or watches are turned off.
 * @param cutover  as the agent reports it
 */
export function watchAfterCommit(
  { watchSourceMs = 0 }: Pick<Control, 'watchSourceMs'>,
  { watchStart }: NonNullable<Progress['cutover']>,
  atMs: number,
): SourceWatchState | undefined {
  if (watchSourceMs === 0 || watchStart === undefined) return undefined;
  return newWatch(watchStart, dateOf(atMs + watchSourceMs));
}

/** Stores how far an agent has watched a source. Ignores watches of other agents, and those that have ended. */
export async function takeWatch(
  transaction: StoreTransaction,
  agent: Agent,
  author: Author,
  { id, watch }: Report['watches'][number],
  atMs: number,
): Promise<void> {
  const migration = await transaction.get('migrations', id);
  const known = migration?.state.sourceWatch;
  if (migration?.agentId !== agent.id || known === undefined || known.ended !== undefined) return;
  const next = { ...watch, until: known.until, changes: Math.max(known.changes, watch.changes) };
  const { orgId, groupId, state } = migration;
  const told = state.announced?.written ?? 0;
  // The first write, and the total at the end. Each write in between would be an event of its own.
  const isTold = next.changes > told && (told === 0 || next.ended !== undefined);
  const announced = isTold ? { ...state.announced, written: next.changes } : state.announced;
  await transaction.update('migrations', {
    ...migration,
    state: { ...state, sourceWatch: next, ...(announced && { announced }) },
    password: next.ended === undefined ? migration.password : null,
  });
  if (!isTold) return;
  const details = { liveMigrationId: id, changes: next.changes, namespaces: next.namespaces.join(', ') };
  await audit(transaction, author, atMs, {
    eventTypeName: 'LIVE_MIGRATION_SOURCE_WRITTEN',
    orgId,
    groupId,
    details,
  });
}

/** Ends the watches whose agent has not reported their end in time, and forgets the passwords of their sources. */
export async function endSilentWatches({ store, clock }: Pick<Control, 'store' | 'clock'>): Promise<void> {
  const atMs = clock.now();
  const isSilent = ({ state: { sourceWatch } }: Migration) =>
    sourceWatch === undefined || atMs >= Date.parse(sourceWatch.until) + REPORTED_WITHIN_MS;
  if (!(await store.find('migrations', { isWatched: true })).some(isSilent)) return;
  await store.write(async (transaction) => {
    const why = 'its agent has not reported since it watched until';
    for (const migration of (await transaction.find('migrations', { isWatched: true })).filter(isSilent))
      await endWatch(transaction, migration, why, atMs);
  });
}

/** Returns the text of the warning that users wrote to a source after the commit. */
export function writtenText({ changes, namespaces }: SourceWatchState): readonly [changes: string, namespaces: string] {
  return [counted(changes, 'change'), namespaces.join(', ')];
}
