/**
 * A live migration as the API shows it, as an immutable state machine.
 *
 *          taken up              committed
 *   NEW ───────────▶ WORKING ───────────────▶ COMPLETE
 *    │                 │  │ failed
 *    │ failed          │  └────────▶ FAILED
 *    └─────────────────┼────────────▶
 *                      │ window ran out
 *                      └────────▶ EXPIRED
 *
 * The meanings of the statuses are Atlas's (contract §1.4). A cutover is no status of its own: it is what the operator wants of a
 * WORKING migration, kept until the agent has done it.
 */
export type MigrationStatus = 'NEW' | 'WORKING' | 'COMPLETE' | 'FAILED' | 'EXPIRED';

export interface MigrationState {
  readonly status: MigrationStatus;
  readonly wanted: 'running' | 'cutover';
  readonly readyForCutover: boolean;
  /** When it became ready for cutover and has stayed so; Atlas's 120 h window runs from there. */
  readonly readySinceMs: number | null;
  readonly endedAtMs: number | null;
  /** Why it failed. */
  readonly errorMessage: string | null;
}

/** What can happen to a migration. */
export type MigrationEvent =
  /** The agent reports it at work. */
  | { readonly kind: 'progress'; readonly ready: boolean; readonly atMs: number }
  | { readonly kind: 'committed'; readonly atMs: number }
  | { readonly kind: 'failed'; readonly message: string; readonly atMs: number }
  | { readonly kind: 'cutover'; readonly atMs: number }
  | { readonly kind: 'window ran out'; readonly atMs: number };

/** `refused` where the event was somebody's wish; reports that come late are `ignored`. */
export type Transition = MigrationState | 'ignored' | 'refused';

type Rule<K extends MigrationEvent['kind']> = (
  state: MigrationState,
  event: Extract<MigrationEvent, { kind: K }>,
) => Transition;
type Rules = { readonly [K in MigrationEvent['kind']]: Rule<K> };

export const NEW_MIGRATION: MigrationState = {
  status: 'NEW',
  wanted: 'running',
  readyForCutover: false,
  readySinceMs: null,
  endedAtMs: null,
  errorMessage: null,
};

/** Statuses that an agent still has work with. */
export const ACTIVE_STATUSES: readonly MigrationStatus[] = ['NEW', 'WORKING'];

const ignored = () => 'ignored' as const;
const refused = () => 'refused' as const;

const work: Rule<'progress'> = (state, { ready, atMs }) => ({
  ...state,
  status: 'WORKING',
  readyForCutover: ready,
  readySinceMs: ready ? (state.readySinceMs ?? atMs) : null,
});
const complete: Rule<'committed'> = (state, { atMs }) => end(state, 'COMPLETE', atMs, null);
const fail: Rule<'failed'> = (state, { message, atMs }) => end(state, 'FAILED', atMs, message);
const expire: Rule<'window ran out'> = (state, { atMs }) =>
  // A cutover that was accepted in time is carried through.
  state.wanted === 'cutover' ? 'ignored' : end(state, 'EXPIRED', atMs, null);
const cutOver: Rule<'cutover'> = (state) => {
  if (state.wanted === 'cutover') return state;
  return state.readyForCutover ? { ...state, wanted: 'cutover' } : 'refused';
};

/** The end of a migration that happened stays as it is, whatever comes in late. */
const ENDED: Rules = {
  progress: ignored,
  committed: ignored,
  failed: ignored,
  cutover: refused,
  'window ran out': ignored,
};

const TABLE: Readonly<Record<MigrationStatus, Rules>> = {
  NEW: { progress: work, committed: complete, failed: fail, cutover: refused, 'window ran out': ignored },
  WORKING: { progress: work, committed: complete, failed: fail, cutover: cutOver, 'window ran out': expire },
  COMPLETE: ENDED,
  FAILED: ENDED,
  // The engine may have committed before it heard of the end: what the data say is true.
  EXPIRED: { ...ENDED, committed: complete },
};

/** What becomes of a migration when something happens to it. */
export function transition(state: MigrationState, event: MigrationEvent): Transition {
  const rules = TABLE[state.status];
  switch (event.kind) {
    case 'progress':
      return rules.progress(state, event);
    case 'committed':
      return rules.committed(state, event);
    case 'failed':
      return rules.failed(state, event);
    case 'cutover':
      return rules.cutover(state, event);
    case 'window ran out':
      return rules['window ran out'](state, event);
  }
}

function end(
  state: MigrationState,
  status: MigrationStatus,
  endedAtMs: number,
  errorMessage: string | null,
): MigrationState {
  return { ...state, status, readyForCutover: false, endedAtMs, errorMessage };
}
