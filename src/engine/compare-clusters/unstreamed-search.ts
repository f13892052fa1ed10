import type { Timestamp } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import type { OplogKeys } from '../capture/oplog-keys.ts';
import { searchOplog } from '../capture/search-oplog.ts';
import { readUnstreamedWrites } from '../capture/unstreamed-writes.ts';
import { justBefore } from '../mongodb/cluster-time.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { ComparedSide } from './compared-side.ts';
import type { ComparisonContext } from './comparison-context.ts';

const SEARCH_EVERY_MS = 100;

/** Searches the oplog of one side, behind its change stream, for writes that the stream doesn't show. */
export class UnstreamedSearch {
  readonly #context: ComparisonContext;
  readonly #side: ComparedSide;
  /** Everything up to this time is known. */
  #time: Timestamp | undefined;
  #searchedAtMs = Number.NEGATIVE_INFINITY;

  /** @param time  where an earlier run stood; undefined to begin where the stream begins */
  constructor(context: ComparisonContext, side: ComparedSide, time: Timestamp | undefined) {
    this.#context = context;
    this.#side = side;
    // The next operation may have the very time of a stream's first token.
    this.#time = time && justBefore(time);
  }

  /** Whether the next part of the oplog is to be searched now. */
  get isDue(): boolean {
    return this.#context.clock.elapsed() - this.#searchedAtMs >= SEARCH_EVERY_MS;
  }

  /**
   * Searches up to a time that the stream has passed.
   * @param latest  the time of the side's latest operation. A new stream begins later, and no read may wait for that
   * @returns undefined when there is nothing, or the oplog can't be read
   * @throws UserError VERIFICATION_HISTORY_LOST
   */
  async upTo(time: Timestamp, latest: Timestamp | undefined): Promise<OplogKeys | undefined> {
    this.#searchedAtMs = this.#context.clock.elapsed();
    this.#time ??= justBefore(time);
    const after = this.#time;
    const to = latest?.lessThan(time) ? latest : time;
    if (!after.lessThan(to)) return undefined;
    this.#time = to;
    const found = await this.#read({ after, to });
    return found?.isEmpty === true ? undefined : found;
  }

  async #read(range: { readonly after: Timestamp; readonly to: Timestamp }): Promise<OplogKeys | undefined> {
    const { logger, retrier } = this.#context;
    const { side, client, features } = this.#side;
    if (isSharded(client)) {
      // Each shard has an oplog of its own, and routers don't show them.
      this.#side.isOplogRead = false;
      return undefined;
    }
    const passed = async () => range.to;
    const read = () => readUnstreamedWrites(client, features, range, passed);
    const found = await searchOplog(retrier, `the oplog of the ${side}`, read);
    if (found === 'lost')
      throw new UserError('VERIFICATION_HISTORY_LOST', [
        side,
        'it was searched for writes that no change stream shows',
      ]);
    if (!('unreadable' in found)) return found;
    const reason = messageOf(found.unreadable);
    if (this.#side.isOplogRead)
      logger.warn({ event: 'comparison.oplog_unreadable', side, reason }, 'The oplog cannot be read');
    this.#side.isOplogRead = false;
    return undefined;
  }
}
