import { randomUUID } from 'node:crypto';
import { messageOf } from '../../platform/index.ts';
import { classify, NotNow, reasonOf } from '../mongodb/failure-policy.ts';
import { LIFT_COMMAND, unblockWrites } from '../mongodb/write-block.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { mayBlockSource } from '../records/records.ts';
import type { Claim } from './block-history.ts';
import { describeHolder, type Lifted, liftBlock, stakeClaim } from './source-claim.ts';

const TO_OPEN = 'the source, to end its write block';

/** Returns a claim of this engine to the source's block; a new one, unless its id is given. */
export function newClaim({ checkpoint }: Records, { record }: MigrationLog, id: string = randomUUID()): Claim {
  return { id, migrationId: checkpoint.migrationId, term: record.term };
}

/**
 * Opens the source after an interrupted cutover. It is the first act of an engine that finds a block it may have set,
 * because no other client will lift it (docs/reference/mongodb-behaviour.md#fact-8-4).
 */
export async function settleOpenBlock(context: Clusters & Records & Pace & Telling, log: MigrationLog): Promise<void> {
  if (!mayBlockSource(log.record)) return;
  context.logger.warn({ event: 'cutover.interrupted' }, 'A cutover was interrupted: opening the source again');
  const { source } = context;
  const claim = newClaim(context, log);
  log.settlingClaim = claim.id; // rule: settle-under-own-claim
  const isOurs = await context.retrier.run(TO_OPEN, async () => {
    const staked = await stakeClaim(source, claim);
    if (staked.outcome !== 'refused') return true;
    if (staked.holder?.migrationId === claim.migrationId) throw new NotNow('an earlier engine is about to open it');
    context.logger.warn(
      { event: 'cutover.foreign_block', reason: describeHolder(staked.holder) },
      'The source has the block of another migration',
    );
    return false;
  });
  // rule: killed-cutover-holds-block
  if (isOurs) await reopenSource(context, log, { claim });
  else await log.advanceCutover('source opened');
}

/**
 * Opens the source as the last act of a run that ended in the middle of a cutover. A write checks whether the commit
 * succeeded: the commit may still be under way, which a read would not show, and then the source must stay blocked. An
 * engine that hasn't sent the commit needn't check.
 * @param within  aborts when the watchdog or a later run has to do it
 */
export async function reopenAfterFailure(
  context: Clusters & Records & Pace & Telling,
  log: MigrationLog,
  within: AbortSignal,
): Promise<void> {
  if (!mayBlockSource(log.record)) return;
  const { source } = context;
  const retrier = context.retrier.but(within);
  const checkpoint = context.checkpoint.with(retrier);
  try {
    if (log.commitWasSent && !(await checkpoint.staysUncommitted())) return;
    const lifted = await retrier.run(TO_OPEN, () => liftOwnBlock(context, log));
    // Otherwise the next engine would not open it.
    // rule: keep-unsettled-block-on-record
    if (lifted === 'other claim') throw new Error('its write block may be that of an earlier engine of the migration');
    if (lifted === 'unseen') {
      if (!(await checkpoint.staysUncommitted())) return;
      await retrier.run(TO_OPEN, () => unblockWrites(source));
    }
    await retrier.run('the destination', () => log.sourceOpenedAfterFailure());
  } catch (error) {
    tellHowToReopen(context, error);
  }
}

/** Lifts the block by the claim on record, or by that with which this engine opens the source for an earlier one. */
async function liftOwnBlock(context: Clusters & Records & Pace, log: MigrationLog): Promise<Lifted> {
  const { source, clock } = context;
  const lift = (id: string) => liftBlock(source, newClaim(context, log, id), { uncommitted: true, clock });
  const lifted = await lift(log.record.cutover?.claim ?? '');
  const isOther = lifted === 'not ours' || lifted === 'other claim';
  return isOther && log.settlingClaim !== undefined ? await lift(log.settlingClaim) : lifted;
}

export interface Reopening {
  readonly claim: Claim;
  /** An earlier save of this cutover that may still be under way: the last one must come after it. */
  readonly noted?: Promise<void>;
  /**
   * Called when users can write, or the block isn't the migration's, perhaps repeatedly. The majority of the source may not
   * have that yet, and the record may have to wait for the destination.
   */
  readonly onOpened?: () => void;
}

/**
 * Opens the source again after a cutover whose commit wasn't sent, however long that takes. Where the source's notes
 * can be read, it needs no answer from the destination.
 */
export async function reopenSource(
  context: Clusters & Pace & Telling,
  log: MigrationLog,
  reopening: Reopening,
): Promise<void> {
  const { source, fence, retrier, clock } = context;
  const { claim, noted, onOpened } = reopening;
  let isTold = false;
  const onEnded = () => {
    isTold = true;
    onOpened?.();
  };
  const lifted = await retrier.run(TO_OPEN, async () => {
    try {
      const outcome = await liftBlock(source, claim, { uncommitted: true, clock, onEnded });
      if (outcome !== 'unseen') return outcome; // rule: open-without-destination
      await fence.confirm().catch(explainUnseen);
      await unblockWrites(source);
      return 'lifted';
    } catch (error) {
      if (!isTold) tellHowToReopen(context, error);
      isTold = true;
      throw error;
    }
  });
  context.logger.info({ event: 'cutover.block_released', block: lifted }, 'This cutover no longer blocks the source');
  onEnded();
  await log.sourceOpened(noted);
}

/**
 * Where the notes of other engines can't be read, the destination has to confirm that this engine owns the migration.
 */
function explainUnseen(error: unknown): never {
  if (classify(error) !== 'transient') throw error;
  throw new NotNow(
    `its oplog may not be read, so the destination first has to confirm who owns the migration: ${reasonOf(error)}. If that is lost permanently, ` +
      `run on the source: ${LIFT_COMMAND}`,
  );
}

/** Logs the command that opens the source, for when the engine could not. */
function tellHowToReopen({ logger }: Telling, error: unknown): void {
  logger.error(
    { event: 'cutover.source_not_opened', error: messageOf(error) },
    `The source may still refuse writes. If nothing resumes the migration, run there: ${LIFT_COMMAND}`,
  );
}
