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
 * The meanings of the statuses are Atlas's (contract §1.4), which has none for a cancelled migration: that is FAILED, and the message
 * says so. One that is cancelled before its order was sent to an agent ends at once. A pause, a cutover and a cancellation are no statuses of their own: they are what the operator wants of an active migration,
 * kept until the agent has done it.
 */
export type MigrationStatus = 'NEW' | 'WORKING' | 'COMPLETE' | 'FAILED' | 'EXPIRED';

export interface MigrationState {
  readonly status: MigrationStatus;
  readonly wanted: WantedOfMigration;
  /** With `cancelled`: whether what was copied is dropped too. */
  readonly dropCopied: boolean;
  readonly loadLevel: LoadLevel;
  /** Upper limit of the initial copy; null, or absent in records of before it could be set, for none. */
  readonly copyMegabytesPerSecond?: number | null;
  /**
   * Whether an agent was told of the migration, or is about to be. False before that: then nothing has begun. Absent in records of versions that
   * did not note it: then an agent may know.
   */
  readonly orderSent?: boolean;
  /** Whether the source's drops are followed whatever they take; absent until somebody confirms them. */
  readonly dropsConfirmed?: boolean;
  readonly readyForCutover: boolean;
  /** Until when it can be cut over; null before it was first ready for that. */
  readonly windowEndsAtMs: number | null;
  readonly endedAtMs: number | null;
  /** Why it failed. */
  readonly errorMessage: string | null;
}

/** What the operator wants of a migration. */
export type WantedOfMigration = 'running' | 'paused' | 'cutover' | 'cancelled';

/** How hard the engine may work. */
export type LoadLevel = 1 | 2 | 3 | 4;

/** What can happen to a migration. */
export type MigrationEvent =
  /** The order goes to the agent. */
  | { readonly kind: 'order sent' }
  /** The agent reports it at work. */
  | { readonly kind: 'progress'; readonly ready: boolean; readonly atMs: number }
  | { readonly kind: 'committed'; readonly atMs: number }
  | { readonly kind: 'failed'; readonly message: string; readonly atMs: number }
  /** The agent has given it up. */
  | { readonly kind: 'cancelled'; readonly atMs: number }
  | Wish
  | { readonly kind: 'window ran out'; readonly atMs: number };

/** What an operator can ask for. Asking for what is wanted already changes nothing. */
export type Wish =
  | { readonly kind: 'cutover'; readonly atMs: number }
  | { readonly kind: 'pause'; readonly atMs: number }
  | { readonly kind: 'resume'; readonly atMs: number }
  | { readonly kind: 'cancel'; readonly dropCopied: boolean; readonly atMs: number }
  | { readonly kind: 'load level'; readonly level: LoadLevel; readonly atMs: number }
  | { readonly kind: 'copy rate'; readonly megabytesPerSecond: number | null; readonly atMs: number }
  | { readonly kind: 'confirm drops'; readonly atMs: number }
  | { readonly kind: 'extend'; readonly untilMs: number; readonly atMs: number };

/** `refused` where the event was somebody's wish; reports that come late are `ignored`. */
export type Transition = MigrationState | 'ignored' | 'refused';

export const NEW_MIGRATION: MigrationState = {
  status: 'NEW',
  wanted: 'running',
  dropCopied: false,
  loadLevel: 3,
  orderSent: false,
  readyForCutover: false,
  windowEndsAtMs: null,
  endedAtMs: null,
  errorMessage: null,
};

/** Statuses that an agent still has work with. */
export const ACTIVE_STATUSES: readonly MigrationStatus[] = ['NEW', 'WORKING'];

/** Whether a cutover or a cancellation was accepted, which nothing takes back. */
export function isDecided({ wanted }: MigrationState): boolean {
  return wanted === 'cutover' || wanted === 'cancelled';
}
