import type { Clock } from '../../platform/index.ts';
import type { RecordedStanding } from './recorded-standing.ts';
import type { Leader } from './running-engine.ts';

/** Two of the leader's writes. After an outage of the destination, the leader gets the chance to write first. */
const STEADY_MS = 10_000;
/** After a commit, no engine is on record until the failback has begun. */
const BETWEEN_DIRECTIONS_MS = 60_000;

/** Watches the records of one migration, and decides whether its leader is gone (docs/adr/0039-standby.md). */
export class LeaderSilence {
  readonly #clock: Clock;
  #leader: Leader | undefined;
  /** When the records were found first as they are, by the monotonic clock of this process; undefined before the first look. */
  #sinceMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The engine that runs the migration, as it was seen last; undefined when none does. */
  get leader(): Leader | undefined {
    return this.#leader;
  }

  /**
   * Takes what was read of the records.
   * @param standings  the migration's records on both clusters
   * @returns whether another engine may take the migration
   */
  look(standings: readonly RecordedStanding[]): boolean {
    const leader = newestLeader(standings);
    if (this.#sinceMs === undefined || this.#leader?.wroteAtMs !== leader?.wroteAtMs)
      this.#sinceMs = this.#clock.elapsed();
    this.#leader = leader;
    // The operator of a migration that failed has to remove the cause.
    if (standings.some(({ state }) => state === 'FAILED')) return false;
    const waitMs = patienceFor(leader, standings);
    return waitMs !== undefined && this.#clock.elapsed() - this.#sinceMs >= waitMs;
  }

  /** Begins the count of silence again, because a look has failed: the leader may not have been able to write either. */
  doubt(): void {
    this.#sinceMs = undefined;
  }

  /** Forgets the leader, because none is on record, or this process leads. */
  forget(): void {
    this.#leader = this.#sinceMs = undefined;
  }
}

function newestLeader(standings: readonly RecordedStanding[]): Leader | undefined {
  return standings.flatMap(({ leader }) => leader ?? []).sort((a, b) => b.wroteAtMs - a.wroteAtMs)[0];
}

/** Returns how long nothing may change before a take-over, in milliseconds; undefined while the leader is alive. */
function patienceFor(leader: Leader | undefined, standings: readonly RecordedStanding[]): number | undefined {
  if (leader?.isAlive) return undefined;
  if (leader !== undefined) return STEADY_MS;
  if (standings.length === 0) return STEADY_MS;
  return standings.every(({ state }) => state === 'COMMITTED') ? BETWEEN_DIRECTIONS_MS : 0;
}
