import { Timestamp } from 'mongodb';
import { systemClock, UserError, withState } from '../../platform/index.ts';
import { UsersAndRoles } from '../accounts/users-and-roles.ts';
import type { RunContext } from '../collections/context.ts';
import { MadeViews } from '../collections/made-views.ts';
import { SeenChanges } from '../collections/seen-changes.ts';
import { TrackedCollections } from '../collections/tracked-collections.ts';
import { UnconfirmedDrops } from '../collections/unconfirmed-drops.ts';
import { Changes } from '../concurrency/changes.ts';
import { Gate } from '../concurrency/gate.ts';
import { loadOf } from '../concurrency/load-level.ts';
import { MemoryBudget } from '../concurrency/memory-budget.ts';
import { TaskGroup } from '../concurrency/task-group.ts';
import { WaitTimes } from '../concurrency/wait-times.ts';
import { DEFAULT_PARTITION_BYTES } from '../copy/plan-partitions.ts';
import { Fence } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import { CheckpointStore } from '../records/checkpoint-store.ts';
import { newCounters } from '../records/counters.ts';
import type { Permission } from '../records/destination-owner.ts';
import { lostCommit, oppositeRecord } from '../records/lost-commit.ts';
import { MadeAccounts } from '../records/made-accounts.ts';
import { MigrationLog } from '../records/migration-log.ts';
import type { MigrationRecord } from '../records/records.ts';
import { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import { thisEngine } from '../records/running-engine.ts';
import { DocumentFilters } from '../scope/document-filters.ts';
import { NamespaceMap } from '../scope/namespace-map.ts';
import { type MigrationOptions, selectionOf } from '../scope/options.ts';
import { Selection } from '../scope/selection.ts';
import type { CheckedClusters, LackOfSource } from './clusters.ts';
import type { FollowedOrder } from './followed-order.ts';

/** A migration that this engine has taken, with the context of its run. */
interface TakenMigration {
  readonly tasks: TaskGroup;
  readonly context: RunContext;
  readonly log: MigrationLog;
  readonly warnings: readonly string[];
}

/**
 * Takes the migration for this engine, and makes the context of its run.
 * @param waiting  reports what the opening waits for
 * @throws UserError the reason why the migration can't start; then nothing was changed
 */
export async function takeMigration(
  options: MigrationOptions,
  { stop, order }: { readonly stop: AbortSignal; readonly order: FollowedOrder },
  waiting: Retrier,
  { source, destination, checked, writers, lacksSource }: CheckedClusters,
): Promise<TakenMigration> {
  const { logger, clock = systemClock, reversals = 0 } = options;
  const tasks = new TaskGroup();
  const fence = new Fence(destination, options.migrationId, clock);
  const signal = AbortSignal.any([stop, tasks.signal, fence.signal]);
  const retrier = waiting.but(signal);
  const store = new CheckpointStore(fence);
  const checkpoint = new RetryingCheckpointStore(store, retrier);
  const identity = {
    sourceId: checked.source.clusterId,
    destinationId: checked.destination.clusterId,
    selection: selectionOf(options),
    ...(options.request !== undefined && { request: options.request }),
    ...(reversals > 0 && { reversals }),
    writer: [...writers].join(', '),
    engine: thisEngine(clock.now()),
  };
  const lost =
    lacksSource === undefined &&
    (await lostCommit({
      migrationId: options.migrationId,
      reversals,
      opposite: () => retrier.run('the source', () => oppositeRecord(source, options.migrationId)),
      own: () => retrier.run('the destination', () => store.peek()),
    }));
  if (lost) throw lost;
  // rule: cancel-while-taking
  const permitted = () => (lacksSource === undefined && !order.cancelled.aborted ? permissionOf(options) : undefined);
  const record = await checkpoint.take(identity, options.takeOver ?? false, permitted);
  // An election after the look at the record may have taken the commit back.
  // rule: commit-before-lone-finish
  if (lacksSource?.act === 'finish the cutover' && record.cutover?.committed !== true)
    throw new UserError('SOURCE_UNREACHABLE', [lacksSource.reason]);
  historyOf(source).expectRecorded(record);
  const changes = new Changes(clock);
  const stateChanges = new Changes(clock, changes);
  const log = new MigrationLog(checkpoint, clock, record);
  const context: RunContext = {
    source,
    sourceFeatures: checked.sourceFeatures,
    destination,
    fence,
    checkpoint,
    retrier,
    clock,
    logger: withState(logger, () => log.record.state),
    signal,
    gate: new Gate(),
    counters: { ...newCounters(), ...record.counts },
    seen: new SeenChanges(),
    memory: new MemoryBudget(options.memoryBytes),
    waitTimes: new WaitTimes(clock),
    tracked: new TrackedCollections(stateChanges),
    changes,
    stateChanges,
    views: new MadeViews(store),
    drops: new UnconfirmedDrops(options.confirmDrops ?? false, record.unconfirmedDrops),
    identity,
    position: { time: new Timestamp(0n), sequence: 0 },
    load: { current: loadOf(order.current.loadLevel) },
    selection: new Selection(options.filters),
    accounts: new UsersAndRoles(source, fence, new MadeAccounts(fence, checked.source.clusterId)),
    movesAccounts: options.usersAndRoles ?? false,
    namespaces: new NamespaceMap(options.namespaceRemap),
    documentFilters: new DocumentFilters(options.documentFilters),
    keepsDestination: options.keepDestination ?? false,
    addresses: { source: options.source, destination: options.destination },
    partitionBytes: options.partitionBytes ?? DEFAULT_PARTITION_BYTES,
    isReversible: options.reversible ?? false,
    isReversed: reversals > 0,
    lacksSource: lacksSource?.reason,
  };
  return { tasks, context, log, warnings: [...writerWarnings(store), ...sourceWarnings(record, lacksSource)] };
}

/** With which the migration takes its destination. */
export function permissionOf({ keepDestination = false, dropDestination }: MigrationOptions): Permission {
  return { keeps: keepDestination, mayDrop: dropDestination };
}

/** The fence doesn't shut out an engine that writes as another user. */
function writerWarnings({ migrationId, earlierWriter }: CheckpointStore): string[] {
  return earlierWriter === undefined ? [] : [new UserError('WRITER_CHANGED', [migrationId, earlierWriter]).message];
}

/** An earlier engine that has finished the cutover has watched the source. */
function sourceWarnings({ _id, state }: MigrationRecord, lacksSource: LackOfSource | undefined): string[] {
  if (lacksSource?.act !== 'finish the cutover' || state === 'COMMITTED') return [];
  return [new UserError('SOURCE_UNWATCHED', [_id, lacksSource.reason]).message];
}
