import type { Timestamp } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import type { ChangeStream } from '../capture/change-stream.ts';
import type { SideEntry } from '../compare/side-catalog.ts';
import { Changes } from '../concurrency/changes.ts';
import { isBefore } from '../mongodb/cluster-time.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import type { DigestContext } from './digest-collection.ts';
import { sideStream } from './side-stream.ts';

/** Events arrive at once; this is only how long a server may wait when there are none. */
const WAIT_MS = 500;

/**
 * Notes which collections are written to, from the cluster-wide change stream. Memory grows with the number of
 * collections, not with that of writes.
 */
export class SeenWrites implements AsyncDisposable {
  readonly #context: DigestContext;
  readonly #stream: ChangeStream;
  /** The time of the last write, by namespace. */
  readonly #writtenAt = new Map<string, Timestamp>();
  readonly #changes: Changes;
  #shownTo: Timestamp | undefined;
  #firstTime: Timestamp | undefined;
  #ended = false;
  /** An event of a kind that Linkspan doesn't know: it may be a write. */
  #unknown: UserError | undefined;
  #following: Promise<void> = Promise.resolve();

  private constructor(context: DigestContext) {
    this.#context = context;
    const { client, features, retrier, clock } = context;
    this.#changes = new Changes(clock);
    this.#stream = sideStream({ side: 'source', client, retrier, showsAll: features.showsCatalogChanges }, undefined);
  }

  /** Opens the stream. Where the user may not, the result shows nothing. */
  static async open(context: DigestContext): Promise<SeenWrites> {
    const seen = new SeenWrites(context);
    await seen.#read(0);
    seen.#following = seen.#follow();
    return seen;
  }

  /** The stream shows every write after this time; undefined when it shows none. */
  get firstTime(): Timestamp | undefined {
    return this.#firstTime;
  }

  /**
   * Waits until all writes up to a time are noted.
   * @returns the time; undefined when the stream can't show them
   * @throws UserError UNKNOWN_OPERATION
   */
  async until(time: Timestamp): Promise<Timestamp | undefined> {
    const isReached = () => this.#shownTo !== undefined && !isBefore(this.#shownTo, time);
    await this.#changes.until(() => this.#ended || isReached(), this.#context.signal, WAIT_MS);
    if (this.#unknown !== undefined) throw this.#unknown;
    return isReached() ? time : undefined;
  }

  /** Whether the stream shows writes to this collection. */
  shows({ name }: SideEntry): boolean {
    return this.#context.features.showsCatalogChanges || !name.startsWith('system.');
  }

  /** Whether a collection was written to after a time. */
  written({ database, name }: SideEntry, after: Timestamp): boolean {
    const at = this.#writtenAt.get(`${database}.${name}`);
    // rule: digest-notices-writes
    return at !== undefined && isBefore(after, at);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#following;
    await this.#stream[Symbol.asyncDispose]();
  }

  async #follow(): Promise<void> {
    while (!this.#ended) await this.#read(WAIT_MS);
  }

  async #read(waitMs: number): Promise<void> {
    try {
      const { events, shownTo } = await this.#stream.next(waitMs);
      for (const { database, collection, renamedTo, time } of events) {
        this.#writtenAt.set(`${database}.${collection}`, time);
        if (renamedTo !== undefined) this.#writtenAt.set(`${renamedTo.database}.${renamedTo.collection}`, time);
      }
      this.#shownTo = shownTo;
      this.#firstTime ??= shownTo;
    } catch (error) {
      // Without a stream the report says so; reading at one cluster time needs none.
      this.#ended = true;
      if (error instanceof UserError && error.code === 'UNKNOWN_OPERATION') this.#unknown = error;
      else if (!isUnauthorized(error))
        this.#context.logger.warn(
          { event: 'comparison.writes_unwatched', reason: messageOf(error) },
          'Writes are no longer watched',
        );
    }
    this.#changes.notify();
  }
}
