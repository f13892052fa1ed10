import { randomUUID } from 'node:crypto';
import type { MongoClient, Timestamp } from 'mongodb';
import { type Clock, type Logger, messageOf, reach } from '../../platform/index.ts';
import { electionOf } from '../mongodb/election.ts';
import { classify, NotNow, reasonOf } from '../mongodb/failure-policy.ts';
import type { Fence } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { isSharded } from '../mongodb/sharding.ts';
import {
  type BlockLimit,
  blockLimit,
  LIFT_COMMAND,
  SHARDS_BLOCK_LIMIT_MS,
  tryToBlockWrites,
  unblockWrites,
  writeBlockObstacles,
  writesAreBlocked,
} from '../mongodb/write-block.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import type { BlockReading, Claim } from './block-history.ts';
import { readObstacle, writeNote } from './block-notes.ts';
import { describeMigrationInto, migrationInto } from './block-of-destination.ts';
import type { CutoverTimeline } from './cutover-timeline.ts';
import {
  actsInTime,
  announceCommit,
  describeHolder,
  describeReliance,
  type Lifted,
  liftBlock,
  stakeClaim,
} from './source-claim.ts';
import type { Watchdog } from './watchdog.ts';

/** The parts of a run that blocking the source needs. */
interface SourceBlockParts {
  readonly source: MongoClient;
  readonly fence: Fence;
  readonly checkpoint: RetryingCheckpointStore;
  readonly retrier: Retrier;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether this is the opposite direction of an earlier one. */
  readonly isReversed: boolean;
}

/** Short, because the cutover begins when an obstacle is gone. */
const BETWEEN_LOOKS_MS = 25;
/** How long a measurement of the source's majority counts. */
const LIMIT_COUNTS_MS = 5_000;
const TELL_WITHIN_MS = 10_000;
const TO_OPEN = 'the source, to end its write block';

/** Returns a claim to the source's block for one attempt of this engine to cut over. */
export function newClaim({ checkpoint }: Pick<SourceBlockParts, 'checkpoint'>, log: MigrationLog): Claim {
  return { id: randomUUID(), migrationId: checkpoint.migrationId, term: log.record.term };
}

/** A moment in which the source can be blocked. */
export interface Blockable {
  readonly limit: BlockLimit;
  /** The state of the block then; undefined when the user may not read the oplog. */
  readonly earlier: BlockReading | undefined;
}

/** Facts about the source before it is blocked, and how current they are. */
export interface BlockSurvey {
  readonly measured: { readonly limit: BlockLimit; readonly atMs: number };
  readonly earlier: BlockReading | undefined;
}

/**
 * Measures the source's majority, and reads who held its block in the last minute, which takes seconds on a busy
 * source.
 * @returns undefined when that fails; `untilBlockable` then does it, and waits
 */
export async function surveySource(
  { source, clock }: Pick<SourceBlockParts, 'source' | 'clock'>,
  claim: Claim,
): Promise<BlockSurvey | undefined> {
  try {
    const earlier = await refuseOthersBlock(source, claim, undefined);
    return { measured: { limit: await blockLimit(source), atMs: clock.elapsed() }, earlier };
  } catch {
    return undefined;
  }
}

/**
 * Waits until a block would neither wait for nor abort anything on the source, and no other migration cuts over from
 * it.
 * @returns how long setting the block may take, and who held it a moment ago
 */
export async function untilBlockable(
  { retrier, source, clock }: SourceBlockParts,
  claim: Claim,
  survey?: BlockSurvey,
): Promise<Blockable> {
  let earlier = survey?.earlier;
  let measured = survey?.measured;
  const look = async () => {
    if (measured === undefined || clock.elapsed() - measured.atMs > LIMIT_COUNTS_MS)
      measured = { limit: await blockLimit(source), atMs: clock.elapsed() };
    earlier = await refuseOthersBlock(source, claim, earlier);
    // Last, because transactions begin all the time.
    const obstacles = await writeBlockObstacles(source, measured.limit);
    if (obstacles.length > 0) throw new NotNow(obstacles.join(', '));
    return { limit: measured.limit, earlier };
  };
  return await retrier.run('a moment in which the source can be blocked', look, BETWEEN_LOOKS_MS);
}

/** @throws NotNow when another migration cuts over from the source, or the owner of its block is unknown */
async function refuseOthersBlock(
  source: MongoClient,
  claim: Claim,
  earlier: BlockReading | undefined,
): Promise<BlockReading | undefined> {
  const obstacle = await readObstacle(source, claim, earlier);
  if (obstacle !== 'unseen') {
    if (obstacle.holder !== undefined) throw new NotNow(describeHolder(obstacle.holder));
    return obstacle.reading;
  }
  if (await writesAreBlocked(source)) throw new NotNow(UNSEEN_BLOCK); // rule: wait-for-unknown-block
  return undefined;
}

const UNSEEN_BLOCK =
  "its users' writes are blocked already, and this migration's user may not read its oplog, which says by whom. Grant the role backup there; " +
  `or, if no migration cuts over or has committed from there, run: ${LIFT_COMMAND}`;

/** A block that a cutover relies on. */
export interface Blocked {
  /** The election of the primary that has the block. */
  readonly election: string;
  /** The oplog's state when the block was claimed; undefined when the user may not read it. */
  readonly reading?: BlockReading;
  /** A time after all writes that users were allowed; undefined when it is unknown. */
  readonly setAt?: Timestamp | undefined;
  /** Whether it was set before, by somebody else: then this cutover doesn't lift it. */
  readonly isFound?: boolean;
}

interface BlockOptions extends Blockable {
  readonly claim: Claim;
  readonly watchdog: Pick<Watchdog, 'keepQuiet' | 'hasEnded'>;
  readonly timeline: CutoverTimeline;
}

/**
 * Blocks users' writes on the source, or relies on a block that has to stay.
 * @returns as `refusal`, what prevented it; then the source is open again
 */
export async function blockSource(
  context: SourceBlockParts,
  log: MigrationLog,
  { claim, limit, earlier, timeline, watchdog }: BlockOptions,
): Promise<Blocked | { readonly refusal: string }> {
  const { source, fence, retrier, logger, clock } = context;
  const attempts = (log.record.cutover?.attempts ?? 0) + 1;
  timeline.begin('claim');
  await log.advanceCutover('block announced', { claim: claim.id, attempts, timeline: timeline.attempts }); // rule: announce-before-block
  await reach('engine.cutover.about-to-block');
  const blocked = await retrier.run('the source', async () => {
    await fence.confirm();
    const election = await electionOf(source);
    const confirmInTime = actsInTime(clock);
    const staked = await stakeClaim(source, claim, earlier);
    await reach('engine.cutover.claimed');
    confirmInTime();
    if (staked.outcome === 'refused') return { refusal: describeHolder(staked.holder) };
    // The steps before wait for both clusters without a limit, and a watchdog may end meanwhile.
    if (watchdog.hasEnded) return { refusal: WATCHDOG_ENDED }; // rule: watchdog-must-run
    watchdog.keepQuiet();
    timeline.begin('block');
    const held = staked.outcome === 'held' ? { election, reading: staked.reading } : { election };
    if (staked.outcome === 'held' && staked.foundSet) {
      const other = await migrationInto(source, claim.migrationId);
      if (other !== undefined) return { refusal: describeMigrationInto(other) };
      // Its users have come from the side that this cutover would open to them again.
      const reliance = context.isReversed ? describeReliance(staked.reading.state, claim.migrationId) : undefined; // rule: leave-block-to-committed-cutover
      if (reliance !== undefined) return { refusal: reliance };
      logger.warn(
        { event: 'cutover.block_found' },
        'The source was blocked already: the cutover relies on that block, and leaves it set',
      );
      // On a sharded source some shards may still be open: setting the block again waits for all of them.
      if (!isSharded(source)) return { ...held, isFound: true };
    }
    try {
      // rule: block-before-drain
      const set = await tryToBlockWrites(source, limit.limitMs, async () => {
        await confirmHeld(context, claim);
        watchdog.keepQuiet();
      });
      return set === undefined ? { refusal: notInTime(source, limit) } : { ...held, setAt: set.setAt };
    } catch (error) {
      if (classify(error) !== 'transient') throw error; // rule: unanswered-block-ends-attempt
      if (error instanceof NotNow) return { refusal: error.message };
      // Users may be blocked. Another try would first wait for the destination.
      return { refusal: `the source did not say that its writes are blocked: ${reasonOf(error)}` };
    }
  });
  if ('refusal' in blocked) await reopenSource(context, log, { claim });
  return blocked;
}

const WATCHDOG_ENDED =
  "the attempt's watchdog, a process that opens the source when the engine is killed, has ended. The next attempt starts another one";

/** @throws NotNow when the claim is no longer in effect, or when it took too long to find that out */
async function confirmHeld({ source, clock }: SourceBlockParts, claim: Claim): Promise<void> {
  const confirmInTime = actsInTime(clock);
  const staked = await stakeClaim(source, claim);
  // The claim is still this one while its watchdog lifts the block.
  if (staked.outcome !== 'held' || staked.reading.state.holder?.step !== 'claimed')
    throw new NotNow('another cutover holds its write block, or its watchdog lifts it');
  confirmInTime();
}

function notInTime(source: MongoClient, { limitMs, majorityMs }: BlockLimit): string {
  const withinMs = isSharded(source) ? SHARDS_BLOCK_LIMIT_MS : limitMs;
  return `the source's writes could not be blocked within ${withinMs} ms; it took ${majorityMs} ms to acknowledge a write with majority`;
}

/**
 * Confirms that the block will stay, once a barrier after it has reached the majority. The block takes no write
 * concern, so a new primary may not have it, and could have accepted writes before the barrier.
 * @throws NotNow when there was an election in between
 */
export async function confirmBlock({ retrier, source }: SourceBlockParts, { election }: Blocked): Promise<void> {
  if ((await retrier.run('the source', () => electionOf(source))) === election) return;
  throw new NotNow('the source has elected another primary while it was being blocked');
}

/**
 * The last check of the block. Must hold before the commit is sent: the block is set, this cutover holds it, and nobody
 * else lifts it.
 * @throws NotNow when it doesn't hold
 */
export async function confirmClaim(context: SourceBlockParts, claim: Claim, blocked: Blocked): Promise<void> {
  const { retrier, source } = context;
  const said = await retrier.run('the source', () => announceCommit(source, claim, blocked.reading));
  if (said === 'lost') throw new NotNow("somebody has lifted the source's write block, or another cutover holds it");
  if (said === 'confirmed' && !isSharded(source)) return;
  // A router doesn't show whether somebody lifts the block at this moment.
  await confirmBlocked(context);
  await confirmBlock(context, blocked);
}

/** @throws NotNow when the source has no write block any more */
export async function confirmBlocked({ retrier, source }: SourceBlockParts): Promise<void> {
  // rule: last-look-without-oplog
  if ((await retrier.run('the source', () => writesAreBlocked(source))) === false)
    throw new NotNow("somebody has lifted the source's write block");
}

/** Notes on the source that its block has to stay, so that no other migration waits for this one. */
export async function tellCommitted(context: SourceBlockParts, log: MigrationLog): Promise<void> {
  const id = log.record.cutover?.claim;
  if (id === undefined) return;
  const retrier = context.retrier.until(context.clock.timeout(TELL_WITHIN_MS));
  const claim = { ...newClaim(context, log), id };
  await retrier
    .run('the source', () => writeNote(context.source, 'committed', claim))
    .catch((error: unknown) => {
      context.logger.warn(
        { event: 'cutover.commit_not_noted', error: messageOf(error) },
        'The source has no note of the commit',
      );
    });
}

/**
 * Opens the source after an interrupted cutover. It is the first act of an engine that finds a block it may have set,
 * because nobody else will lift it (docs/reference/mongodb-behaviour.md#fact-8-4).
 */
export async function settleOpenBlock(context: SourceBlockParts, log: MigrationLog): Promise<void> {
  const { cutover } = log.record;
  if (cutover === undefined || cutover.committed || !cutover.blocking) return;
  context.logger.warn({ event: 'cutover.interrupted' }, 'A cutover was interrupted: opening the source again');
  const { source } = context;
  const claim = newClaim(context, log);
  const unexplained = cutover.claim === undefined;
  log.beginSettling(claim.id); // rule: settle-under-own-claim
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
  if (isOurs) await reopenSource(context, log, { claim, unexplained });
  else await log.advanceCutover('source opened');
}

/**
 * Opens the source as the last act of a run that ended in the middle of a cutover. A write checks whether the commit
 * succeeded: the commit may still be under way, which a read would not show, and then the source must stay blocked. An
 * engine that hasn't sent the commit needn't check.
 * @param within  aborts when the watchdog or a later run has to do it
 */
export async function reopenAfterFailure(
  context: SourceBlockParts,
  log: MigrationLog,
  within: AbortSignal,
): Promise<void> {
  const { cutover } = log.record;
  if (cutover === undefined || cutover.committed || !cutover.blocking) return;
  const { source } = context;
  const retrier = context.retrier.but(within);
  const checkpoint = context.checkpoint.with(retrier);
  try {
    if (log.commitWasSent && !(await checkpoint.staysUncommitted())) return;
    const lifted = await retrier.run(TO_OPEN, () => liftOwnBlock(context, log));
    // Otherwise the next engine would not open it.
    const mayBeBlocked = lifted === 'other claim' || (lifted === 'not ours' && cutover.claim === undefined);
    if (mayBeBlocked) throw new Error('its write block may be that of an earlier engine of the migration'); // rule: keep-unsettled-block-on-record
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
async function liftOwnBlock(context: SourceBlockParts, log: MigrationLog): Promise<Lifted> {
  const { source, clock } = context;
  const { settlingClaim } = log;
  const recorded = log.record.cutover?.claim;
  const claim = { ...newClaim(context, log), id: recorded ?? '' };
  const lifted = await liftBlock(source, claim, { uncommitted: true, clock });
  if (settlingClaim === undefined || (lifted !== 'not ours' && lifted !== 'other claim')) return lifted;
  const settling = { ...claim, id: settlingClaim };
  return await liftBlock(source, settling, { uncommitted: true, unexplained: recorded === undefined, clock });
}

export interface Reopening {
  readonly claim: Claim;
  /** An earlier save of this cutover that may still be under way: the last one must come after it. */
  readonly noted?: Promise<void>;
  /** Whether a block without a note belongs to the migration. */
  readonly unexplained?: boolean;
  /**
   * Called once users can write, or the block isn't the migration's. The majority of the source may not have that yet, and
   * the record may have to wait for the destination.
   */
  readonly onOpened?: () => void;
}

/**
 * Opens the source again after a cutover whose commit wasn't sent, however long that takes. Where the source's notes
 * can be read, it needs no answer from the destination.
 */
export async function reopenSource(context: SourceBlockParts, log: MigrationLog, reopening: Reopening): Promise<void> {
  const { source, fence, retrier, clock } = context;
  const { claim, noted, unexplained = false, onOpened } = reopening;
  let told = false;
  let ended = false;
  const onEnded = () => {
    if (!ended) onOpened?.();
    ended = true;
  };
  const lifted = await retrier.run(TO_OPEN, async () => {
    try {
      const outcome = await liftBlock(source, claim, { uncommitted: true, unexplained, clock, onEnded });
      if (outcome !== 'unseen') return outcome; // rule: open-without-destination
      await fence.confirm().catch(explainUnseen);
      await unblockWrites(source);
      return 'lifted';
    } catch (error) {
      if (!told && !ended) tellHowToReopen(context, error);
      told = true;
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
    `its oplog may not be read, so the destination first has to confirm who owns the migration: ${reasonOf(error)}. If that is lost for good, ` +
      `run on the source: ${LIFT_COMMAND}`,
  );
}

function tellHowToReopen(context: SourceBlockParts, error: unknown): void {
  context.logger.error(
    { event: 'cutover.source_not_opened', error: messageOf(error) },
    `The source may still refuse writes. If nothing resumes the migration, run there: ${LIFT_COMMAND}`,
  );
}
