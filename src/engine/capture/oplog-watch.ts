import type { MongoClient, Timestamp } from 'mongodb';
import { type Clock, type Logger, messageOf } from '../../platform/index.ts';
import type { OplogHeadroom } from './oplog-gauge.ts';
import { OplogGauge } from './oplog-gauge.ts';

/** The parts of a run that the watch needs. */
interface OplogWatchParts {
  readonly source: MongoClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const EVERY_MS = 10_000;
/** Below this, the watch warns. */
export const LOW_HEADROOM_PERCENT = 50;

/** Sections of `serverStatus` that are expensive and not needed. */
const NOT_NEEDED = { metrics: 0, wiredTiger: 0, tcmalloc: 0, locks: 0, repl: 0 };

/**
 * Watches how much of the source's oplog is left before it no longer reaches back to the stream's position
 * (docs/reference/pitfalls.md#pitfall-2).
 */
export class OplogWatch {
  readonly #context: OplogWatchParts;
  readonly #safeTime: () => Timestamp;
  readonly #gauge = new OplogGauge();
  #headroom: OplogHeadroom | null = null;
  #lowSinceMs: number | undefined;
  #whyUnknown: string | undefined;

  /** @param safeTime  the time up to which changes are safe on the destination */
  constructor(context: OplogWatchParts, safeTime: () => Timestamp) {
    this.#context = context;
    this.#safeTime = safeTime;
  }

  /** The result of the last measurement; null while unknown. */
  get headroom(): OplogHeadroom | null {
    return this.#headroom;
  }

  /** Warnings for the operator, while too little is left, or the amount is unknown. */
  get warnings(): readonly string[] {
    if (this.#whyUnknown !== undefined)
      return [`How much of the source's oplog is left is not known: ${this.#whyUnknown}`];
    if (this.#headroom === null || this.#lowSinceMs === undefined) return [];
    const { headroomPercent, leftSeconds } = this.#headroom;
    const since = new Date(this.#lowSinceMs).toISOString();
    return [
      `Less than ${LOW_HEADROOM_PERCENT} % of the source's oplog is left since ${since}, now ${headroomPercent} %: in about ${leftSeconds} s it loses ` +
        'changes that are not on the destination yet. Enlarge it (replSetResizeOplog), or resume the migration if it is paused.',
    ];
  }

  /** Measures until the run ends, also while it is paused. */
  async watch(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      await this.#look();
      await clock.sleep(EVERY_MS, signal);
    }
  }

  async #look(): Promise<void> {
    const { clock, logger } = this.#context;
    try {
      this.#headroom = await this.#measure();
      this.#whyUnknown = undefined;
    } catch (error) {
      this.#headroom = null;
      this.#whyUnknown = messageOf(error);
      return;
    }
    const isLow = this.#headroom.headroomPercent < LOW_HEADROOM_PERCENT;
    if (isLow === (this.#lowSinceMs !== undefined)) return;
    this.#lowSinceMs = isLow ? clock.now() : undefined;
    if (isLow) logger.warn(this.#headroom, 'The oplog of the source has too little headroom');
    else logger.info(this.#headroom, 'The oplog of the source has headroom again');
  }

  async #measure(): Promise<OplogHeadroom> {
    const { source } = this.#context;
    const [{ oplog, oplogTruncation }, stats] = await Promise.all([
      source.db('admin').command({ serverStatus: 1, oplog: 1, ...NOT_NEEDED }),
      source.db('local').command({ collStats: 'oplog.rs' }),
    ]);
    const look = {
      earliest: secondsOf(oplog.earliestOptime),
      latest: secondsOf(oplog.latestOptime),
      bytes: stats.size,
      capacity: stats.maxSize,
      keptSeconds: (oplogTruncation?.oplogMinRetentionHours ?? 0) * 3_600,
      written: stats.wiredTiger.cursor['insert key and value bytes'],
    };
    return this.#gauge.measure(look, secondsOf(this.#safeTime()));
  }
}

/** The increment orders operations within a second; no server does a million operations in one. */
function secondsOf(time: Timestamp): number {
  return time.getHighBits() + time.getLowBits() / 1_000_000;
}
