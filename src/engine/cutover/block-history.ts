/**
 * Decides whose a source's write block is, from the steps of claims and the block's own entries, in the order in which
 * the source has them. All engines read the same order, so all get the same answer (docs/adr/0019-block-owner.md).
 */

import type { Timestamp } from 'mongodb';

/** One attempt of an engine to cut over. */
export interface Claim {
  /** Identifies the attempt: a note that arrives after its attempt has ended changes nothing. */
  readonly id: string;
  readonly migrationId: string;
  readonly term: number;
}

/**
 * The step of a claim that a note reports.
 * - `committing`: the commit may be sent from here on.
 * - `opening`: the block is about to be lifted, unless `committing` came first.
 * - `opening-uncommitted`: the same, from an engine that knows that nothing was committed.
 * - `released`: the claim ends, and a block that was set before it stays.
 */
export type ClaimStep = 'claimed' | 'committing' | 'opening' | 'opening-uncommitted' | 'released' | 'committed';

/** An oplog entry about the block. Seconds are cluster time. */
export type BlockEvent =
  | { readonly step: 'set' | 'lifted'; readonly seconds: number }
  | { readonly step: ClaimStep; readonly claim: Claim; readonly seconds: number };

/** The claim in effect. */
export interface Holder extends Claim {
  readonly step: 'claimed' | 'committing' | 'opening';
  /** When it took that step. */
  readonly seconds: number;
}

/** The block, when it is set. */
export interface Block {
  readonly seconds: number;
  /** The migration that set it; null for a block set by hand. */
  readonly setBy: string | null;
  /** A migration that committed under it: the block has to stay. */
  readonly committedBy: string | null;
}

/** The block and its holder, as far as they are known. A sharded source has them in a document, so an absent one is null. */
export interface BlockState {
  readonly block: Block | null;
  readonly holder: Holder | null;
}

/** The state of the block, read up to a cluster time. */
export interface BlockReading {
  readonly state: BlockState;
  readonly upTo: Timestamp;
}

/**
 * The answer for one claim to whose the block is.
 * - `held`: the claim is in effect. `isFound`: a block is set that has to stay, because a person, another migration or
 *   a commit relies on it.
 * - `refused`: another claim is in effect, or none.
 */
export type Ownership =
  | { readonly outcome: 'held'; readonly step: Holder['step']; readonly block: Block | null; readonly isFound: boolean }
  | { readonly outcome: 'refused'; readonly holder: Holder | null };

/**
 * A claim that has not led to a block by then delays no other engine. Engines set the block within half of it, or claim
 * again.
 */
export const CLAIM_LASTS_SECONDS = 60;
/** By then, an engine that was about to lift the block has done so or won't: it claims again after half of it. */
const OPENING_LASTS_SECONDS = 60;
/** By then, a sent commit is done, or its migration can't lift the block any more because it isn't the holder. */
const COMMITTING_LASTS_SECONDS = 600;

export const NOTHING_KNOWN: BlockState = { block: null, holder: null };
/** A block of which nothing is known but that it is set. */
export const SET_BY_HAND: BlockState = { block: { seconds: 0, setBy: null, committedBy: null }, holder: null };

/**
 * Applies the events, which are in the order of the oplog, to the state of the block; `before` is the state before
 * them.
 */
export function blockStateAfter(events: Iterable<BlockEvent>, before = NOTHING_KNOWN): BlockState {
  let state = before;
  for (const event of events) state = next(state, event);
  return state;
}

/** Returns whose the block is, for a claim. */
export function ownershipOf(state: BlockState, { id, migrationId }: Claim): Ownership {
  const { block, holder } = state;
  // rule: first-claim-wins
  if (holder?.id !== id) return { outcome: 'refused', holder };
  return { outcome: 'held', step: holder.step, block, isFound: !isToLift(state, migrationId) };
}

/** Whether the migration set the block, and no other client relies on it. */
export function isToLift({ block }: BlockState, migrationId: string): boolean {
  return block === null || (block.setBy === migrationId && block.committedBy === null);
}

function next(state: BlockState, event: BlockEvent): BlockState {
  const { block, holder } = state;
  const { seconds } = event;
  switch (event.step) {
    case 'set':
      return { holder, block: { seconds, setBy: holder?.migrationId ?? null, committedBy: null } };
    case 'lifted':
      // A cutover that relied on the block learns that its claim is gone.
      return NOTHING_KNOWN;
    case 'claimed':
      return claimed(state, event.claim, seconds);
    case 'committing':
      // rule: opened-source-cancels-commit
      if (holder?.id !== event.claim.id || holder.step === 'opening') return state;
      return { block, holder: { ...holder, step: 'committing', seconds } };
    case 'opening':
    case 'opening-uncommitted':
      if (holder?.id !== event.claim.id) return state;
      // rule: no-opening-while-committing
      if (holder.step === 'committing' && event.step === 'opening') return state;
      return { block, holder: { ...holder, step: 'opening', seconds } };
    case 'released':
      return holder?.id === event.claim.id ? { block, holder: null } : state;
    case 'committed': {
      const { migrationId } = event.claim;
      return {
        block: block && { ...block, committedBy: migrationId },
        holder: holder?.migrationId === migrationId ? null : holder,
      };
    }
  }
}

/** The first of two claims counts, and the later one of the same migration. */
function claimed(state: BlockState, claim: Claim, seconds: number): BlockState {
  const { block, holder } = state;
  const taken: Holder = { ...claim, step: 'claimed', seconds };
  if (holder === null) return { block, holder: taken };
  const ageSeconds = seconds - holder.seconds;
  if (holder.migrationId === claim.migrationId) {
    // rule: terms-in-claims
    const isSuccessor = claim.term >= holder.term;
    const mayStillOpen = holder.step === 'opening' && ageSeconds <= OPENING_LASTS_SECONDS;
    return isSuccessor && !mayStillOpen ? { block, holder: taken } : state;
  }
  if (block === null) return ageSeconds > CLAIM_LASTS_SECONDS ? { block, holder: taken } : state;
  // rule: foreign-block-in-history
  if (holder.step !== 'committing' || ageSeconds <= COMMITTING_LASTS_SECONDS) return state;
  return { block: { ...block, committedBy: holder.migrationId }, holder: taken };
}
