import { Courier, type Hook, MOST_WAITING, organizationOf, takes } from '../../hooks/index.ts';
import { type Logger, messageOf, Shares } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';
import type { HookDelivery } from '../records/hook-records.ts';
import { auditRecordsAfter, lastAuditRecord } from '../records/queries.ts';
import type { AuditRecord } from '../records/records.ts';
import type { StoreReader, StoreTransaction } from '../records/store-port.ts';
import { hookEventOf } from './hook-event-of.ts';
import { StoreOutbox } from './store-outbox.ts';

const LOOK_EVERY_MS = 1_000;
const AT_ONCE = 100;
/** Undelivered events of hooks that are no longer configured, and those that were given up. */
const KEPT_MS = 30 * 24 * 3_600_000;

const CURSOR = { id: 'hooks' } as const;

type HooksControl = Pick<Control, 'store' | 'clock'>;

/**
 * Prepares the queue at the start of a server. With hooks, the queue resumes where the last server left it, or begins at the
 * newest audit record. Without hooks, nothing is queued, also not for a later server with hooks.
 */
export async function beginHooks({ store, clock }: HooksControl, hooks: readonly Hook[]): Promise<void> {
  const cursor = await cursorOf(store);
  if (hooks.length === 0 && cursor === undefined) return;
  await store.write(async (transaction) => {
    const last = (await lastAuditRecord(transaction))?.sequence ?? 0;
    if (hooks.length === 0) await transaction.delete('hookCursors', CURSOR);
    else if (cursor === undefined || cursor > last) await setCursor(transaction, last);
    await transaction.delete('hookDeliveries', { createdAtMs: { lte: clock.now() - KEPT_MS } });
  });
}

/**
 * Queues the events of new audit records for the hooks that take them.
 * @returns whether it looked at a full page, so that more may be left
 */
async function queueEvents({ store, clock }: HooksControl, hooks: readonly Hook[], logger: Logger): Promise<boolean> {
  const cursor = await cursorOf(store);
  if (cursor === undefined) return false;
  const records = await auditRecordsAfter(store, cursor, AT_ONCE);
  const last = records.at(-1);
  if (last === undefined) return false;
  const queued = (await Promise.all(records.map((record) => deliveriesOf({ store, clock }, record, hooks)))).flat();
  const leftOut = await store.write(async (transaction) => {
    if ((await cursorOf(transaction)) !== cursor) return [];
    const shares = new Map<string, Shares>();
    for (const hook of new Set(queued.map((one) => one.hook))) shares.set(hook, await sharesOf(transaction, hook));
    const full: HookDelivery[] = [];
    for (const delivery of queued) {
      // rule: share-of-hook-queue
      const exceeded = shares.get(delivery.hook)?.take({ organization: organizationOf(delivery.event) }, 1);
      if (exceeded === undefined) await transaction.insert('hookDeliveries', delivery);
      else full.push(delivery);
    }
    await setCursor(transaction, last.sequence);
    return full;
  });
  for (const { hook, event } of leftOut)
    logger.error(
      { event: 'hook.queue_full', hook, eventId: event.id, type: event.type },
      "an event was dropped: the part of the hook's queue that its organization has is full",
    );
  return records.length === AT_ONCE;
}

/** Returns the number of the last audit record that was looked at; undefined while no server has hooks. */
async function cursorOf(store: StoreReader): Promise<number | undefined> {
  return (await store.get('hookCursors', CURSOR.id))?.sequence;
}

function setCursor(transaction: StoreTransaction, sequence: number): Promise<void> {
  return transaction.put('hookCursors', { ...CURSOR, sequence });
}

/** The queue of a hook, which organizations share. */
async function sharesOf(transaction: StoreTransaction, hook: string): Promise<Shares> {
  const shares = new Shares({ total: MOST_WAITING, each: {} });
  const counts = await transaction.countBy('hookDeliveries', 'orgId', { hook });
  for (const [organization, count] of counts) shares.hold({ organization }, count);
  return shares;
}

/** Queues and delivers events until `signal` aborts. Never throws, and delays nothing else. */
export async function keepHooks(
  control: HooksControl,
  hooks: readonly Hook[],
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  if (hooks.length === 0) return;
  const { clock } = control;
  const courier = new Courier(hooks, new StoreOutbox(control), { clock, logger });
  await Promise.all([courier.run(signal), keepQueueing(control, hooks, logger, signal)]);
}

async function keepQueueing(
  control: HooksControl,
  hooks: readonly Hook[],
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  let isTold = false;
  while (!signal.aborted) {
    try {
      if (await queueEvents(control, hooks, logger)) continue;
      isTold = false;
    } catch (error) {
      if (!isTold)
        logger.error(
          { event: 'hook.events_not_queued', reason: messageOf(error) },
          'could not queue the events for hooks',
        );
      isTold = true;
    }
    await control.clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function deliveriesOf(
  { store, clock }: HooksControl,
  record: AuditRecord,
  hooks: readonly Hook[],
): Promise<HookDelivery[]> {
  const { liveMigrationId } = record.details;
  if (typeof liveMigrationId !== 'string') return [];
  const migration = await store.get('migrations', liveMigrationId);
  if (migration === undefined) return [];
  const destination = (await store.get('clusters', migration.destinationClusterId))?.name ?? '';
  const event = hookEventOf(record, migration, destination);
  if (event === undefined) return [];
  return hooks
    .filter((hook) => takes(hook, event))
    .map(({ name }) => ({
      id: `${name} ${event.id}`,
      hook: name,
      subject: migration.id,
      sequence: record.sequence,
      event,
      attempts: 0,
      lastError: null,
      givenUpAtMs: null,
      createdAtMs: clock.now(),
    }));
}
