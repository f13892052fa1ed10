import { type MongoClient, MongoServerError, Timestamp } from 'mongodb';
import { type Clock, type Logger, messageOf, reach, UserError } from '../../platform/index.ts';
import { isBefore } from '../mongodb/cluster-time.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import { type HiddenWrites, readHiddenWrites } from './hidden-writes.ts';

/** The parts of a run that are used here. */
interface HiddenWatchParts {
  readonly source: MongoClient;
  readonly sourceFeatures: SourceFeatures;
  readonly retrier: Retrier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const TICK_MS = 20;
const HURRIED_TICK_MS = 5;
const READ_EVERY_MS = 250;
/** So much cluster time is read at once, so that a long absence is caught up with in steps. */
const READ_AT_ONCE_SECONDS = 300;
/** A source that refuses its oplog is asked so often whether it still does. */
const ASK_AGAIN_AFTER_MS = 10_000;

/** Acts on what the watch finds. Each act is on record when it returns. */
export interface HiddenWritesSink {
  found(writes: HiddenWrites): Promise<void>;
  /** The oplog no longer reaches back to where the watch was. */
  lost(): Promise<void>;
  /** Whether somebody waits for a barrier. */
  hurried(): boolean;
}

/**
 * Reads the source's oplog behind the change stream for writes that the stream does not show. Follows the stream's position, so everything
 * that the stream shows before such a write is dispatched when the write is found.
 */
export class HiddenWatch {
  readonly #context: HiddenWatchParts;
  readonly #sink: HiddenWritesSink;
  #time: Timestamp;
  #streamTime: Timestamp;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #blind: { readonly untilMs: number; readonly error: UserError } | undefined;

  /** @param time  everything before it is known */
  constructor(context: HiddenWatchParts, time: Timestamp, sink: HiddenWritesSink) {
    this.#context = context;
    this.#sink = sink;
    this.#time = time;
    this.#streamTime = time;
  }

  /** All hidden writes up to this time are on record as suspect, or can't be known. */
  get time(): Timestamp {
    return this.#time;
  }

  /** For the operator, while the source refuses its oplog. */
  get warnings(): readonly string[] {
    return this.#blind === undefined ? [] : [this.#blind.error.message];
  }

  /** The stream has shown everything before this time, and all of it is dispatched. */
  follow(streamTime: Timestamp): void {
    this.#streamTime = streamTime;
  }

  /** Goes on at a position after which everything is compared anyway. */
  goOnAt(time: Timestamp): void {
    this.#time = time;
    this.#streamTime = time;
  }

  /** Works until the stream ends. */
  async run(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      const isDue = this.#sink.hurried() || clock.elapsed() - this.#readAtMs >= READ_EVERY_MS;
      if (isDue && isBefore(this.#time, this.#streamTime)) {
        this.#readAtMs = clock.elapsed();
        await this.#advance();
      } else {
        await clock.sleep(this.#sink.hurried() ? HURRIED_TICK_MS : TICK_MS, signal);
      }
    }
  }

  async #advance(): Promise<void> {
    const { signal } = this.#context;
    const after = this.#time;
    const step = new Timestamp({ t: after.getHighBits() + READ_AT_ONCE_SECONDS, i: 0 });
    const end = this.#streamTime;
    const to = isBefore(step, end) ? step : end;
    const writes = await this.#read(to);
    await reach('engine.capture.oplog-read');
    if (signal.aborted) return;
    if (writes === undefined) await this.#sink.lost();
    else if (writes !== 'blind' && !writes.isEmpty) await this.#sink.found(writes);
    // Stopped, or the stream lost its history meanwhile and goes on elsewhere.
    if (signal.aborted || !this.#time.equals(after)) return;
    await reach('engine.capture.hidden-writes-recorded');
    this.#time = writes === undefined ? end : to;
  }

  async #read(to: Timestamp): Promise<HiddenWrites | 'blind' | undefined> {
    const { clock, logger, retrier, source, sourceFeatures } = this.#context;
    if (this.#blind !== undefined && clock.elapsed() < this.#blind.untilMs) return 'blind';
    try {
      const range = { after: this.#time, to };
      const writes = await retrier.run('the oplog of the source', () =>
        readHiddenWrites(source, sourceFeatures, range),
      );
      this.#blind = undefined;
      return writes;
    } catch (error) {
      if (classify(error) === 'history-lost') return undefined;
      if (!(error instanceof MongoServerError) || classify(error) !== 'fatal') throw error;
      if (this.#blind === undefined)
        logger.warn({ reason: messageOf(error) }, 'The oplog of the source cannot be read');
      const unseen = new UserError('HIDDEN_WRITES_UNSEEN', [error.codeName ?? messageOf(error)], { cause: error });
      this.#blind = { untilMs: clock.elapsed() + ASK_AGAIN_AFTER_MS, error: unseen };
      return 'blind';
    }
  }
}
