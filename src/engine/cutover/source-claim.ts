import type { MongoClient } from 'mongodb';
import { type Clock, failpoint } from '../../platform/index.ts';
import { endingDeadlocks } from '../mongodb/block-deadlock.ts';
import { electionOf } from '../mongodb/election.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { isSharded } from '../mongodb/sharding.ts';
import { confirmByMajority, isUnsatisfied, LIFT_COMMAND, unblockPrimary } from '../mongodb/write-block.ts';
import {
  type Block,
  type BlockEvent,
  type BlockReading,
  blockStateAfter,
  CLAIM_LASTS_SECONDS,
  type Claim,
  type ClaimStep,
  type Holder,
  type Ownership,
  ownershipOf,
} from './block-history.ts';
import { appendNote, readNotes, timeOf } from './block-notes.ts';
import { readBlockRecord, recordStep } from './block-record.ts';

/** An engine acts within half of the time that other engines wait for it. */
const ACT_WITHIN_MS = (CLAIM_LASTS_SECONDS * 1_000) / 2;

/** An ownership as it was read. `unseen`: the user may not read it. */
export type OwnershipSeen = (Ownership & { readonly reading: BlockReading }) | { readonly outcome: 'unseen' };

/**
 * The result of lifting a block. `committing`: its commit may have been sent. `not ours`: the claim is no longer in
 * effect. `other claim`: the same, and the migration has another claim in effect, so the block may still be the
 * migration's.
 */
export type Lifted = 'lifted' | 'left as found' | 'not ours' | 'other claim' | 'committing' | 'unseen';

/**
 * Claims the source's block, before it is set. Repeating it does no harm.
 * @param earlier  the state a moment before: on a busy source, reading the last minute takes long
 */
export async function stakeClaim(source: MongoClient, claim: Claim, earlier?: BlockReading): Promise<OwnershipSeen> {
  return await takeStep(source, 'claimed', claim, earlier);
}

/**
 * Returns whose the block would be if the claim were made now, and makes none.
 * @param earlier  the read continues from there
 */
export async function foreseeClaim(source: MongoClient, claim: Claim, earlier?: BlockReading): Promise<OwnershipSeen> {
  const reading = await readBlock(source, earlier);
  if (reading === undefined) return { outcome: 'unseen' };
  const claimed: BlockEvent = { step: 'claimed', claim, seconds: reading.upTo.getHighBits() };
  return { ...ownershipOf(blockStateAfter([claimed], reading.state), claim), reading };
}

/** Reads whose the block is. @returns undefined when the user may not */
export async function readBlock(source: MongoClient, earlier?: BlockReading): Promise<BlockReading | undefined> {
  return isSharded(source) ? await readBlockRecord(source) : await readNotes(source, await timeOf(source), earlier);
}

/**
 * Announces the commit, and checks that the block is set and the claim is in effect. From here on, only an engine that
 * knows that nothing was committed lifts the block for this claim.
 * @param earlier  the state when the claim was made
 */
export async function announceCommit(
  source: MongoClient,
  claim: Claim,
  earlier?: BlockReading,
): Promise<'confirmed' | 'lost' | 'unseen'> {
  const owned = await takeStep(source, 'committing', claim, earlier);
  if (owned.outcome === 'unseen') return 'unseen';
  const holds = owned.outcome === 'held' && owned.step === 'committing' && owned.block !== null;
  return holds ? 'confirmed' : 'lost';
}

/** Ends a claim: the block stays for a commit, or the source is open. */
export async function endClaim(source: MongoClient, step: 'committed' | 'released', claim: Claim): Promise<void> {
  await (isSharded(source) ? recordStep(source, step, claim) : appendNote(source, step, claim));
}

export interface LiftOptions {
  /**
   * Whether the caller knows that nothing was committed under the claim, and nothing will be. Otherwise the notes have
   * to show that.
   */
  readonly uncommitted: boolean;
  readonly clock: Clock;
  /** Called when the block is lifted, or isn't that of the claim. The majority may not have that yet. */
  readonly onEnded?: ((lifted: boolean) => void) | undefined;
}

/**
 * Ends a claim without a commit, and lifts the block that was set for it; a block that was set before it stays. Users can
 * write while the majority of the source doesn't answer.
 * @throws NotNow while the majority may not have that. Repeating it lifts the block of a new primary that lacks the lift.
 */
export async function liftBlock(source: MongoClient, claim: Claim, options: LiftOptions): Promise<Lifted> {
  const { uncommitted, clock, onEnded } = options;
  const confirmInTime = actsInTime(clock);
  const step = uncommitted ? 'opening-uncommitted' : 'opening';
  const election = await electionOf(source);
  const owned = await endingDeadlocks(source, () => takeOpening(source, step, claim, election));
  if (owned.outcome === 'unseen') return 'unseen';
  const isHeld = owned.outcome === 'held';
  if (isHeld && owned.step === 'committing') return 'committing';
  const lifts = isHeld && !owned.isFound;
  if (isHeld) {
    await failpoint('engine.cutover.about-to-open');
    // rule: check-time-after-sleep
    confirmInTime();
    // rule: leave-foreign-block
    if (lifts) await unblockPrimary(source);
    await failpoint('engine.cutover.opened');
  }
  onEnded?.(lifts);
  await confirmByMajority(source, election);
  if (!isHeld) return owned.holder?.migrationId === claim.migrationId ? 'other claim' : 'not ours';
  await endClaim(source, 'released', claim);
  return lifts ? 'lifted' : 'left as found';
}

/**
 * Takes a step of a claim, acknowledged by the majority, and reads whose the block is after it. Every other engine whose
 * step comes later sees this one. A replica set has the steps as notes in its oplog. Routers show no oplog, so a sharded
 * source has a document instead.
 */
async function takeStep(
  source: MongoClient,
  step: ClaimStep,
  claim: Claim,
  earlier?: BlockReading,
): Promise<OwnershipSeen> {
  // rule: record-of-sharded-block
  if (isSharded(source)) return seenBy(claim, await recordStep(source, step, claim));
  return seenBy(claim, await readNotes(source, await appendNote(source, step, claim), earlier));
}

/**
 * Takes the step before the block is lifted. Where the majority doesn't have the note in time, the oplog of the primary
 * decides: without a majority no engine can announce a commit, and users wait.
 * @param election  the one before; another primary may lack the note
 */
async function takeOpening(
  source: MongoClient,
  step: 'opening' | 'opening-uncommitted',
  claim: Claim,
  election: string,
): Promise<OwnershipSeen> {
  try {
    return await takeStep(source, step, claim);
  } catch (error) {
    // rule: open-without-majority
    if (!isUnsatisfied(error)) throw error;
    const reading = await readNotes(source, await timeOf(source), undefined, 'local');
    if ((await electionOf(source)) !== election) throw new NotNow('another primary was elected');
    return seenBy(claim, reading);
  }
}

function seenBy(claim: Claim, reading: BlockReading | undefined): OwnershipSeen {
  return reading === undefined ? { outcome: 'unseen' } : { ...ownershipOf(reading.state, claim), reading };
}

/**
 * @param withinMs  how long other engines wait for an engine at least
 * @returns a function that throws NotNow when the state is too old to act on
 */
export function actsInTime(clock: Clock, withinMs = ACT_WITHIN_MS): () => void {
  const beganAt = { now: clock.now(), elapsed: clock.elapsed() };
  return () => {
    // One clock can be set back; the other stands still while the host is suspended.
    if (Math.max(clock.now() - beganAt.now, clock.elapsed() - beganAt.elapsed) > withinMs)
      throw new NotNow('it took too long to find out who holds its write block');
  };
}

/** Describes for the operator which migration holds the block, and since when. */
export function describeHolder(holder: Holder | null): string {
  if (holder === null) return 'another migration is cutting over from the same source';
  const since = new Date(holder.seconds * 1_000).toISOString();
  return (
    `migration ${holder.migrationId} is cutting over from the same source since ${since}. If it is gone permanently and the source refuses ` +
    `writes, run there: ${LIFT_COMMAND}`
  );
}

/**
 * Describes for the operator why a side that has the users keeps its write block. Returns undefined when no migration relies
 * on the block.
 * @param migrationId  the migration that asks
 */
export function describeReliance(block: Block | null, migrationId: string): string | undefined {
  if (block === null || block.committedBy === migrationId) return undefined;
  const decided = `If the users are to come back from there, lift the block on the source: ${LIFT_COMMAND}`;
  if (block.committedBy !== null)
    return `migration ${block.committedBy} has cut over from the source, and its users are on another side. ${decided}`;
  // The oplog no longer has the notes of the migration that set it.
  return block.seconds === 0
    ? `another migration may have cut over from the source, whose write block is old. ${decided}`
    : undefined;
}
