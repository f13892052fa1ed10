import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import { systemClock } from '../../platform/index.ts';
import type { ClusterAddress } from '../mongodb/connect.ts';
import { connectCluster } from '../mongodb/connect.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import { unblockWrites } from '../mongodb/write-block.ts';
import { MAY_BLOCK_SOURCE, type MigrationRecord } from '../records/records.ts';
import type { Claim } from './block-history.ts';
import { liftBlock } from './source-claim.ts';

/** A cutover whose engine is gone, or no longer answers. */
export interface AbandonedCutover {
  /** The claim of the engine that set the block. */
  readonly claim: Claim;
  readonly source: ClusterAddress;
  readonly destination: ClusterAddress;
}

const BETWEEN_TRIES_MS = 1_000;

/**
 * Lets users write to the source again, unless the point of no return was passed or another engine has taken the
 * migration. First it takes the migration into a new term, in one conditional write. After that, an engine that was
 * only suspended can't commit, so source and destination are never writable at the same time. While the destination
 * can't be reached, the notes in the source's oplog decide: an engine that hasn't announced its commit there learns,
 * before it sends one, that the source is being opened. Undecided cases are retried until `signal` aborts.
 * @returns whether the source was opened
 */
export async function openAbandonedSource(cutover: AbandonedCutover, signal: AbortSignal): Promise<boolean> {
  const takeover = new Takeover(cutover);
  let opened = false;
  return await untilDone(signal, async () => {
    // rule: watchdog-opens-without-destination
    const taken = await takeover.take().catch(() => 'unknown' as const);
    // rule: watchdog-checks-owner
    if (taken === 'refused') return false;
    const isTaken = taken === 'taken';
    const client = await connectCluster(cutover.source, 'source');
    try {
      const onEnded = (isLifted: boolean) => {
        opened ||= isLifted;
      };
      const lifted = await liftBlock(client, cutover.claim, { uncommitted: isTaken, clock: systemClock, onEnded });
      if (!isTaken && (lifted === 'unseen' || lifted === 'committing'))
        throw new Error('the destination has to decide');
      if (lifted === 'unseen') {
        // Confirmed last: an engine that has taken the migration since may have set a block of its own.
        if ((await takeover.take()) === 'refused') return false;
        await unblockWrites(client);
      }
      opened ||= lifted === 'unseen';
      // Under another claim the block stays, and the migration's next engine has to lift it.
      // rule: watchdog-keeps-block-on-record
      if (isTaken && lifted !== 'other claim') await takeover.settle();
      return opened;
    } finally {
      await client.close();
    }
  });
}

/** Takes the abandoned migration into a new term, by its record on the destination. */
class Takeover {
  readonly #cutover: AbandonedCutover;
  readonly #taken;

  constructor(cutover: AbandonedCutover) {
    this.#cutover = cutover;
    const { migrationId: _id, term } = cutover.claim;
    // Distinguishes this takeover from that of an engine in the same term, in case its acknowledgement is lost.
    this.#taken = { _id, term: term + 1, 'cutover.openedBy': randomUUID() };
  }

  /**
   * Repeating it confirms it. Each attempt changes something, because only the primary can have a change acknowledged;
   * a former primary confirms a write without effect.
   * @returns `refused` when the cutover is committed or settled, or another engine has the migration
   */
  async take(): Promise<'taken' | 'refused'> {
    const { _id, ...fields } = this.#taken;
    const { term } = this.#cutover.claim;
    const open = { _id, term, ...MAY_BLOCK_SOURCE };
    const change = { $set: fields, $inc: { marks: 1 } };
    return await this.#withRecords(async (records) => {
      for (const mine of [open, this.#taken])
        if ((await records.updateOne(mine, change)).matchedCount === 1) return 'taken';
      return 'refused';
    });
  }

  /** Records that users are no longer blocked. */
  async settle(): Promise<void> {
    await this.#withRecords((records) => records.updateOne(this.#taken, { $set: { 'cutover.blocking': false } }));
  }

  async #withRecords<Result>(act: (records: Collection<MigrationRecord>) => Promise<Result>): Promise<Result> {
    const client = await connectCluster(this.#cutover.destination, 'destination');
    try {
      return await act(client.db(INTERNAL_DATABASE).collection<MigrationRecord>('migrations'));
    } finally {
      await client.close();
    }
  }
}

async function untilDone<Result>(signal: AbortSignal, act: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (signal.aborted) throw error;
      await delay(BETWEEN_TRIES_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
