import type { MongoClient, Timestamp } from 'mongodb';
import { failpoint, messageOf } from '../../platform/index.ts';
import { electionOf } from '../mongodb/election.ts';
import { classify, NotNow, reasonOf } from '../mongodb/failure-policy.ts';
import { isSharded } from '../mongodb/sharding.ts';
import {
  type BlockLimit,
  blockLimit,
  LIFT_COMMAND,
  SHARDS_BLOCK_LIMIT_MS,
  tryToBlockWrites,
  writeBlockObstacles,
  writesAreBlocked,
} from '../mongodb/write-block.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { BlockReading, Claim } from './block-history.ts';
import { describeMigrationInto, migrationInto } from './block-of-destination.ts';
import type { CutoverTimeline } from './cutover-timeline.ts';
import { newClaim, reopenSource } from './open-source.ts';
import {
  actsInTime,
  announceCommit,
  describeHolder,
  describeReliance,
  endClaim,
  foreseeClaim,
  stakeClaim,
} from './source-claim.ts';
import type { Watchdog } from './watchdog.ts';

/** Short, because the cutover begins when an obstacle is gone. */
const BETWEEN_LOOKS_MS = 25;
/** How long a measurement of the source's majority counts. */
const LIMIT_COUNTS_MS = 5_000;
const TELL_WITHIN_MS = 10_000;

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
 * Measures the source's majority, and reads the holders of its block in the last minute, which takes seconds on a busy
 * source.
 * @returns undefined when that fails; `untilBlockable` then does it, and waits
 */
export async function surveySource({ source, clock }: Clusters & Pace, claim: Claim): Promise<BlockSurvey | undefined> {
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
 * @returns how long setting the block may take, and its holder a moment ago
 */
export async function untilBlockable(
  { retrier, source, clock }: Clusters & Pace,
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
  const owned = await foreseeClaim(source, claim, earlier);
  if (owned.outcome === 'refused') throw new NotNow(describeHolder(owned.holder));
  if (owned.outcome === 'held') return owned.reading;
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
  /** The state when the block was claimed; undefined when the user may not read it. */
  readonly reading: BlockReading | undefined;
  /** A time after all writes that users were allowed; undefined when it is unknown. */
  readonly setAt?: Timestamp | undefined;
  /** Whether this cutover is known to have set it, and so may lift it. */
  readonly isOwn: boolean;
}

interface BlockOptions extends Blockable {
  readonly claim: Claim;
  readonly watchdog: Pick<Watchdog, 'keepQuiet' | 'hasEnded'>;
  readonly timeline: CutoverTimeline;
}

/**
 * Blocks users' writes on the source, or relies on a block that has to stay.
 * @returns as `refusal`, the reason that prevented it; then the source is open again
 */
export async function blockSource(
  context: Clusters & Pace & Telling,
  log: MigrationLog,
  { claim, limit, earlier, timeline, watchdog }: BlockOptions,
): Promise<Blocked | { readonly refusal: string }> {
  const { source, fence, retrier, logger, clock } = context;
  const attempts = (log.record.cutover?.attempts ?? 0) + 1;
  timeline.begin('claim');
  await log.advanceCutover('block announced', { claim: claim.id, attempts, timeline: timeline.attempts }); // rule: announce-before-block
  await failpoint('engine.cutover.about-to-block');
  const blocked = await retrier.run('the source', async () => {
    await fence.confirm();
    const election = await electionOf(source);
    const confirmInTime = actsInTime(clock);
    const staked = await stakeClaim(source, claim, earlier);
    await failpoint('engine.cutover.claimed');
    confirmInTime();
    if (staked.outcome === 'refused') return { refusal: describeHolder(staked.holder) };
    // The steps before wait for both clusters without a limit, and a watchdog may end meanwhile.
    if (watchdog.hasEnded) return { refusal: WATCHDOG_ENDED }; // rule: watchdog-must-run
    watchdog.keepQuiet();
    timeline.begin('block');
    const isHeld = staked.outcome === 'held';
    const held = { election, reading: isHeld ? staked.reading : undefined, isOwn: isHeld && !staked.isFound };
    if (isHeld && staked.isFound) {
      const other = await migrationInto(source, claim.migrationId);
      if (other !== undefined) return { refusal: describeMigrationInto(other) };
      // Its users have come from the side that this cutover would open to them again.
      const reliance = context.isReversed ? describeReliance(staked.block, claim.migrationId) : undefined; // rule: leave-block-to-committed-cutover
      if (reliance !== undefined) return { refusal: reliance };
      logger.warn(
        { event: 'cutover.block_found' },
        'The source was blocked already: the cutover relies on that block, and leaves it set',
      );
      // On a sharded source some shards may still be open: setting the block again waits for all of them.
      if (!isSharded(source)) return held;
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
async function confirmHeld({ source, clock }: Clusters & Pace, claim: Claim): Promise<void> {
  const confirmInTime = actsInTime(clock);
  const staked = await stakeClaim(source, claim);
  // The claim is still this one while its watchdog lifts the block.
  if (staked.outcome !== 'held' || staked.step !== 'claimed')
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
export async function confirmBlock({ retrier, source }: Clusters & Pace, { election }: Blocked): Promise<void> {
  if ((await retrier.run('the source', () => electionOf(source))) === election) return;
  throw new NotNow('the source has elected another primary while it was being blocked');
}

/**
 * The last check of the block. Must hold before the commit is sent: the block is set, this cutover holds it, and no
 * other client lifts it.
 * @throws NotNow when it doesn't hold
 */
export async function confirmClaim(context: Clusters & Pace, claim: Claim, blocked: Blocked): Promise<void> {
  const { retrier, source } = context;
  const said = await retrier.run('the source', () => announceCommit(source, claim, blocked.reading));
  if (said === 'lost')
    throw new NotNow("another client has lifted the source's write block, or another cutover holds it");
  if (said === 'confirmed' && !isSharded(source)) return;
  // A router doesn't show whether a client lifts the block at this moment.
  await confirmBlocked(context);
  await confirmBlock(context, blocked);
}

/** @throws NotNow when the source has no write block any more */
export async function confirmBlocked({ retrier, source }: Clusters & Pace): Promise<void> {
  // rule: last-look-without-oplog
  if ((await retrier.run('the source', () => writesAreBlocked(source))) === false)
    throw new NotNow("another client has lifted the source's write block");
}

/** Notes on the source that its block has to stay, so that no other migration waits for this one. */
export async function tellCommitted(context: Clusters & Records & Pace & Telling, log: MigrationLog): Promise<void> {
  const id = log.record.cutover?.claim;
  if (id === undefined) return;
  const retrier = context.retrier.until(context.clock.timeout(TELL_WITHIN_MS));
  await retrier
    .run('the source', () => endClaim(context.source, 'committed', newClaim(context, log, id)))
    .catch((error: unknown) => {
      context.logger.warn(
        { event: 'cutover.commit_not_noted', error: messageOf(error) },
        'The source has no note of the commit',
      );
    });
}
