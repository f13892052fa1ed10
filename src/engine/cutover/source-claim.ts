import type { MongoClient } from 'mongodb';
import { type Clock, reach } from '../../platform/index.ts';
import { endingDeadlocks } from '../mongodb/block-deadlock.ts';
import { electionOf } from '../mongodb/election.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { confirmByMajority, LIFT_COMMAND, unblockPrimary } from '../mongodb/write-block.ts';
import {
  type BlockReading,
  type BlockState,
  CLAIM_LASTS_SECONDS,
  type Claim,
  type Holder,
  isToLift,
  isUnexplained,
} from './block-history.ts';
import { noteAndRead, noteOpening, writeNote } from './block-notes.ts';

/** An engine acts within half of the time that others wait for it. */
const ACT_WITHIN_MS = (CLAIM_LASTS_SECONDS * 1_000) / 2;

/** The result of a claim. `unseen`: the user may not read who holds the block. */
export type Staked =
  | { readonly outcome: 'held'; readonly foundSet: boolean; readonly reading: BlockReading }
  | { readonly outcome: 'refused'; readonly holder: Holder | undefined }
  | { readonly outcome: 'unseen' };

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
export async function stakeClaim(source: MongoClient, claim: Claim, earlier?: BlockReading): Promise<Staked> {
  const reading = await noteAndRead(source, 'claimed', claim, earlier);
  if (reading === undefined) return { outcome: 'unseen' };
  const { state } = reading;
  // rule: first-claim-wins
  if (!isHeldBy(state, claim)) return { outcome: 'refused', holder: state.holder };
  return { outcome: 'held', foundSet: !isToLift(state, claim.migrationId), reading };
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
  const reading = await noteAndRead(source, 'committing', claim, earlier);
  if (reading === undefined) return 'unseen';
  const { state } = reading;
  const holds = state.block !== undefined && isHeldBy(state, claim) && state.holder?.step === 'committing';
  return holds ? 'confirmed' : 'lost';
}

export interface LiftOptions {
  /**
   * Whether the caller knows that nothing was committed under the claim, and nothing will be. Otherwise the notes have
   * to show that.
   */
  readonly uncommitted: boolean;
  /** Whether a block without a note belongs to the migration: a version that wrote none may have set it. */
  readonly unexplained?: boolean;
  readonly clock: Clock;
  /** Called when the block is lifted, or isn't that of the claim. The majority may not have that yet. */
  readonly onEnded?: (lifted: boolean) => void;
}

/**
 * Ends a claim without a commit, and lifts the block that was set for it; a block that was set before it stays. Users can
 * write while the majority of the source doesn't answer.
 * @throws NotNow while the majority may not have that. Repeating it lifts the block of a new primary that lacks the lift.
 */
export async function liftBlock(source: MongoClient, claim: Claim, options: LiftOptions): Promise<Lifted> {
  const { uncommitted, unexplained = false, clock, onEnded } = options;
  const confirmInTime = actsInTime(clock);
  const step = uncommitted ? 'opening-uncommitted' : 'opening';
  const election = await electionOf(source);
  const reading = await endingDeadlocks(source, () => noteOpening(source, step, claim, election));
  if (reading === undefined) return 'unseen';
  const { state } = reading;
  const isHeld = isHeldBy(state, claim);
  if (isHeld && state.holder?.step === 'committing') return 'committing';
  const lifts = isHeld && (isToLift(state, claim.migrationId) || (unexplained && isUnexplained(state)));
  if (isHeld) {
    await reach('engine.cutover.about-to-open');
    // rule: check-time-after-sleep
    confirmInTime();
    // rule: leave-foreign-block
    if (lifts) await unblockPrimary(source);
    await reach('engine.cutover.opened');
  }
  onEnded?.(lifts);
  await confirmByMajority(source, election);
  if (!isHeld) return state.holder?.migrationId === claim.migrationId ? 'other claim' : 'not ours';
  await writeNote(source, 'released', claim);
  return lifts ? 'lifted' : 'left as found';
}

/**
 * @param withinMs  how long others wait for an engine at least
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
export function describeHolder(holder: Holder | undefined): string {
  if (holder === undefined) return 'another migration is cutting over from the same source';
  const since = new Date(holder.seconds * 1_000).toISOString();
  return (
    `migration ${holder.migrationId} is cutting over from the same source since ${since}. If it is gone for good and the source refuses ` +
    `writes, run there: ${LIFT_COMMAND}`
  );
}

/**
 * Describes for the operator why a side that has the users keeps its write block. Returns undefined when no migration relies
 * on the block.
 * @param migrationId  the migration that asks
 */
export function describeReliance({ block }: BlockState, migrationId: string): string | undefined {
  if (block === undefined || block.committedBy === migrationId) return undefined;
  const decided = `If the users are to come back from there, lift the block on the source: ${LIFT_COMMAND}`;
  if (block.committedBy !== undefined)
    return `migration ${block.committedBy} has cut over from the source, and its users are on another side. ${decided}`;
  // The oplog no longer has the notes of the migration that set it.
  return block.seconds === 0
    ? `another migration may have cut over from the source, whose write block is old. ${decided}`
    : undefined;
}

function isHeldBy({ holder }: BlockState, { id }: Claim): boolean {
  return holder?.id === id;
}
