import type { Oplog } from '../../contract/index.ts';
import type { Unseen } from '../mongodb/shard-clients.ts';
import { OplogGauge, type OplogLook } from './oplog-gauge.ts';

/** Below this, little is left of an oplog. */
export const LOW_HEADROOM_PERCENT = 50;

/** One oplog of the source: that of its replica set, or of one of its shards. */
export class WatchedOplog {
  readonly #name: string;
  #gauge = new OplogGauge();
  #headroom: Oplog | null = null;
  #lowSinceMs: number | undefined;
  #unseen: Unseen | undefined;

  /** @param name  for a sentence: `the source's oplog` */
  constructor(name: string) {
    this.#name = name;
  }

  /** The last measurement; null while unknown. */
  get headroom(): Oplog | null {
    return this.#headroom;
  }

  /** Why the headroom is unknown; undefined while it's measured, and before the first look. */
  get unseen(): Unseen | undefined {
    return this.#unseen;
  }

  get isLow(): boolean {
    return this.#lowSinceMs !== undefined;
  }

  /** A warning for the operator while too little is left; undefined otherwise. */
  get warning(): string | undefined {
    if (this.#headroom === null || this.#lowSinceMs === undefined) return undefined;
    const { headroomPercent, leftSeconds } = this.#headroom;
    const since = new Date(this.#lowSinceMs).toISOString();
    return (
      `Less than ${LOW_HEADROOM_PERCENT} % of ${this.#name} is left since ${since}, now ${headroomPercent} %: in about ${leftSeconds} s it loses ` +
      'changes that are not on the destination yet. Enlarge it (replSetResizeOplog), or resume the migration if it is paused.'
    );
  }

  /** @param safe  the time, in seconds, before which the oplog isn't needed any more */
  measured(look: OplogLook, safe: number, nowMs: number): void {
    // The stream passes an idle shard's last entry.
    const headroom = this.#gauge.measure(look, Math.min(safe, look.latest));
    this.#headroom = headroom;
    this.#unseen = undefined;
    if (headroom.headroomPercent >= LOW_HEADROOM_PERCENT) this.#lowSinceMs = undefined;
    else this.#lowSinceMs ??= nowMs;
  }

  missed(unseen: Unseen): void {
    this.#headroom = null;
    this.#unseen = unseen;
  }
}
