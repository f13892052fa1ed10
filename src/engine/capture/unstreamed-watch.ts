import { Timestamp } from 'mongodb';
import { failpoint, messageOf, UserError } from '../../platform/index.ts';
import { isBefore } from '../mongodb/cluster-time.ts';
import { untilKnown } from '../mongodb/failure-policy.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import type { OplogKeys } from './oplog-keys.ts';
import { searchOplog } from './search-oplog.ts';
import { readUnstreamedWrites } from './unstreamed-writes.ts';

const READ_EVERY_MS = 250;
/** Cluster time per read, so that the watch catches up with a long absence in steps. */
const READ_AT_ONCE_SECONDS = 300;
/** Why the oplogs of a sharded source aren't read (docs/adr/0034-sharded-sources.md). */
export const SHARDS_NOT_SEARCHED = 'each shard has its own, and Linkspan does not search them';
/** How often the watch asks a source that refuses reads of its oplog. */
const ASK_AGAIN_AFTER_MS = 10_000;

/** Handles the results of the watch. Each result is on record when its method resolves. */
export interface UnstreamedWritesSink {
  found(writes: OplogKeys): Promise<void>;
  /** The oplog no longer reaches back to the watch's position. */
  lost(): Promise<void>;
  /** Whether a task waits for a barrier. */
  hurried(): boolean;
}

/**
 * Reads the source's oplog behind the change stream, and finds writes that the stream doesn't show. It never overtakes
 * the stream's position, so all changes before such a write are dispatched when it is found.
 */
export class UnstreamedWatch {
  readonly #context: Clusters & Pace & Telling;
  readonly #sink: UnstreamedWritesSink;
  #time: Timestamp;
  #streamTime: Timestamp;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #blind: { readonly untilMs: number; readonly error: UserError } | undefined;
  /** Where the search stopped because the oplog could not be read; undefined while it can. */
  #stoppedAt: Timestamp | undefined;

  /** @param time  everything before it is known */
  constructor(context: Clusters & Pace & Telling, time: Timestamp, sink: UnstreamedWritesSink) {
    this.#context = context;
    this.#sink = sink;
    this.#time = time;
    this.#streamTime = time;
  }

  /** The time up to which all unstreamed writes are recorded as suspect, or can't be known. */
  get time(): Timestamp {
    return this.#time;
  }

  /** The time from which a successor has to search: no later than that, because the oplog may let itself be read by then. */
  get searchedTo(): Timestamp {
    return this.#stoppedAt ?? this.#time;
  }

  /** Warnings for the operator while the source refuses reads of its oplog. */
  get warnings(): readonly string[] {
    return this.#blind === undefined ? [] : [this.#blind.error.message];
  }

  /** Notes that the stream has shown, and the engine dispatched, everything before this time. */
  follow(streamTime: Timestamp): void {
    this.#streamTime = streamTime;
    this.#context.changes.notify();
  }

  /** Continues at a position after which everything is compared anyway. */
  goOnAt(time: Timestamp): void {
    this.#time = time;
    this.#streamTime = time;
    this.#stoppedAt = undefined;
  }

  /** Works until the stream ends. */
  async run(): Promise<void> {
    const { clock, signal, changes } = this.#context;
    while (!signal.aborted) {
      const dueInMs = this.#sink.hurried() ? 0 : this.#readAtMs + READ_EVERY_MS - clock.elapsed();
      if (dueInMs <= 0 && isBefore(this.#time, this.#streamTime)) {
        this.#readAtMs = clock.elapsed();
        await this.#advance();
      } else {
        await changes.next(signal, dueInMs > 0 ? dueInMs : READ_EVERY_MS);
      }
    }
  }

  async #advance(): Promise<void> {
    const { signal, source, changes } = this.#context;
    const before = this.#time;
    const after = this.searchedTo;
    const step = new Timestamp({ t: after.getHighBits() + READ_AT_ONCE_SECONDS, i: 0 });
    const end = this.#streamTime;
    const to = isBefore(step, end) ? step : end;
    const writes = await this.#read({ after, to });
    await failpoint('engine.capture.oplog-read');
    // The run stopped, or the stream lost its history meanwhile and continues elsewhere.
    if (signal.aborted || !this.#time.equals(before)) return;
    if (writes === 'blind') {
      // Shards are never searched.
      // rule: search-from-unreadable-time
      if (!isSharded(source)) this.#stoppedAt = after;
      this.#time = end;
      changes.notify();
      return;
    }
    // Barriers wait for the part that could not be read until now.
    this.#time = after;
    this.#stoppedAt = undefined;
    if (writes === 'lost') await this.#sink.lost();
    else if (!writes.isEmpty) await this.#sink.found(writes);
    if (signal.aborted || !this.#time.equals(after)) return;
    await failpoint('engine.capture.unstreamed-writes-recorded');
    this.#time = writes === 'lost' ? end : to;
    changes.notify();
  }

  async #read(range: { readonly after: Timestamp; readonly to: Timestamp }): Promise<OplogKeys | 'blind' | 'lost'> {
    const { clock, logger, retrier, source, sourceFeatures } = this.#context;
    if (this.#blind !== undefined && clock.elapsed() < this.#blind.untilMs) return 'blind';
    if (isSharded(source)) return this.#cannotSee(SHARDS_NOT_SEARCHED);
    const read = () => untilKnown(() => readUnstreamedWrites(source, sourceFeatures, range));
    const writes = await searchOplog(retrier, 'the oplog of the source', read);
    if (writes !== 'lost' && 'unreadable' in writes) {
      const { unreadable } = writes;
      const reason = messageOf(unreadable);
      if (this.#blind === undefined)
        logger.warn({ event: 'oplog.source_unreadable', reason }, 'The oplog of the source cannot be read');
      return this.#cannotSee(unreadable.codeName ?? reason, unreadable);
    }
    this.#blind = undefined;
    return writes;
  }

  #cannotSee(reason: string, cause?: unknown): 'blind' {
    const error = new UserError('UNSTREAMED_WRITES_UNSEEN', [reason], { cause });
    this.#blind = { untilMs: this.#context.clock.elapsed() + ASK_AGAIN_AFTER_MS, error };
    return 'blind';
  }
}
