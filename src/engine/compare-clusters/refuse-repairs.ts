import type { MongoClient } from 'mongodb';
import type { MigrationState } from '../../contract/index.ts';
import { messageOf, UserError } from '../../platform/index.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import type { Side } from '../mongodb/side.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import { readClusterId } from '../records/confirm-clusters.ts';
import { hasCutOver } from '../records/destination-owner.ts';
import { hasFailback, type MigrationRecord, refuseOtherSchema } from '../records/records.ts';
import { shownState } from '../records/shown-state.ts';

const ENDED: readonly MigrationState[] = ['COMMITTED', 'CANCELLED', 'FAILED'];

/** One side of a comparison. */
interface ComparedSide {
  readonly side: Side;
  readonly client: MongoClient;
  readonly clusterId: string;
}

/**
 * Refuses to write beside a migration of Linkspan that has not ended, or whose failback is open, and where a cutover from
 * this source has given the destination its users. Both sides have to be asked: the record of a failback is on the old
 * source.
 * @throws UserError REPAIR_DURING_MIGRATION, CHECKPOINT_OF_OTHER_VERSION when a record would be misread, or
 * REPAIR_UNCHECKED when the user may not read the records
 */
export async function refuseRepairs({
  source,
  destination,
}: {
  readonly source: ComparedSide;
  readonly destination: ComparedSide;
}): Promise<void> {
  // rule: source-records-refuse-repairs
  const there = await readPresent(source);
  for (const record of there) refuseBesideOnSource(record, destination.clusterId);
  const here = await readPresent(destination);
  refuseBesideOnDestination(here);
  const cutOver = here.filter((record) => hasCutOver(record) && !hasReturned(record, there));
  if (cutOver.length === 0) return;
  const sourceId = await readSourceId(source);
  // rule: refuse-after-cutover-from-source
  const committed = cutOver.find((one) => isUnknown(one.sourceId) || one.sourceId === sourceId);
  if (committed === undefined) return;
  const other = 'a source without a known replicaSetId, which may be this one';
  const origin = isUnknown(committed.sourceId) ? other : 'this source';
  throw refusal('destination', committed, `committed from ${origin}`);
}

/**
 * Refuses to write beside the migrations of a destination's records.
 * @throws UserError REPAIR_DURING_MIGRATION, or CHECKPOINT_OF_OTHER_VERSION
 */
export function refuseBesideOnDestination(records: readonly MigrationRecord[]): void {
  for (const record of records.filter(({ retiredBy }) => retiredBy === undefined)) {
    // rule: no-repair-beside-other-version
    refuseOtherSchema(record);
    refuseBeside('destination', record);
  }
}

/** Returns whether a cutover of the opposite direction has given the users back since. */
function hasReturned({ _id, reversals = 0 }: MigrationRecord, onSource: readonly MigrationRecord[]): boolean {
  return onSource.some((one) => one._id === _id && (one.reversals ?? 0) > reversals && hasCutOver(one));
}

/** An old set may have been initiated without an id, or the user may not read it. Then it may be any cluster's. */
function isUnknown(clusterId = ''): boolean {
  return clusterId === '';
}

/**
 * A migration from a third cluster into the source doesn't concern the destination once it has copied everything: not
 * even its open failback. Until then the source lacks documents.
 */
function refuseBesideOnSource(record: MigrationRecord, destinationId: string): void {
  // rule: no-repair-from-other-version
  refuseOtherSchema(record);
  const isThird = !isUnknown(record.sourceId) && !isUnknown(destinationId) && record.sourceId !== destinationId;
  // rule: refuse-unfinished-copy
  if (!isThird) refuseBeside('source', record);
  else if (!hasEnded(record)) throw refusal('source', record, shownState(record.state), NOT_COPIED);
}

function refuseBeside(side: Side, record: MigrationRecord): void {
  if (!hasEnded(record)) throw refusal(side, record, shownState(record.state));
  // rule: open-failback-refuses-repairs
  if (hasFailback(record)) throw refusal(side, record, 'its failback is open');
}

/** An engine that resumes a failed migration is on record before the state is another one. */
function hasEnded({ state, engine }: MigrationRecord): boolean {
  // rule: running-engine-refuses-repairs
  return ENDED.includes(state) && !(state === 'FAILED' && engine !== undefined);
}

const WRITTEN = 'what the migration or its users have written';
const NOT_COPIED = 'documents of the destination that the migration has not copied to the source yet';

function refusal(side: Side, { _id }: MigrationRecord, state: string, endangered = WRITTEN): UserError {
  return new UserError('REPAIR_DURING_MIGRATION', [side, _id, state, endangered]);
}

/** @throws UserError REPAIR_UNCHECKED */
async function readSourceId({ side, client }: ComparedSide): Promise<string> {
  return await orUnchecked(side, 'its configuration', () => readClusterId(client));
}

/** Returns the records of all migrations on a side that no other one has superseded. @throws UserError REPAIR_UNCHECKED */
async function readPresent({ side, client }: ComparedSide): Promise<readonly MigrationRecord[]> {
  const migrations = client.db(INTERNAL_DATABASE).collection<MigrationRecord>('migrations');
  const projection = {
    schema: 1,
    state: 1,
    engine: 1,
    sourceId: 1,
    reversals: 1,
    cutover: 1,
    phases: 1,
    failbackClosedBy: 1,
  };
  return await orUnchecked(side, 'linkspan_internal.migrations', () =>
    migrations.find({ retiredBy: { $exists: false } }, { projection }).toArray(),
  );
}

async function orUnchecked<T>(side: Side, what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    throw new UserError('REPAIR_UNCHECKED', [side, what, messageOf(error)], { cause: error });
  }
}
