import type { Timestamp, UUID } from 'mongodb';
import { counted, failpoint, messageOf, UserError } from '../../platform/index.ts';
import { type DocumentKey, describeKey } from '../bson/document-key.ts';
import { type OplogRange, readDiscards, readExternalWrites } from '../capture/external-writes.ts';
import type { OplogKeys } from '../capture/oplog-keys.ts';
import { searchOplog } from '../capture/search-oplog.ts';
import type { RunContext } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { wereDeleted } from './early-discards.ts';

/** Handles the results of the watch. */
interface ExternalWritesSink {
  found(collection: TrackedCollection, keys: readonly DocumentKey[]): void;
  /** Other clients wrote so much to a collection, or so long ago, that it must be compared as a whole. */
  lost(collection: TrackedCollection): void;
  /** A capped collection has other documents, or another order. On record when it resolves. */
  cappedWritten(collection: TrackedCollection): Promise<void>;
  /**
   * A client, perhaps the engine, changed the catalog. `collections`: the changed ones, by UUID; undefined if something
   * else changed.
   */
  changedCatalog(collections: ReadonlySet<string> | undefined): void;
  /** Whether all keys that were found earlier are settled. */
  isSettled(): boolean;
  /** Whether a task waits for a barrier. */
  isHurried(): boolean;
}

const READ_EVERY_MS = 1_000;
/** Then little is left to read in a write pause. */
const HURRIED_READ_EVERY_MS = 100;
const ASK_AGAIN_AFTER_MS = 10_000;

/** Finds documents that other clients write to the migration's collections on the destination. */
export class ExternalWatch {
  readonly #context: RunContext;
  readonly #sink: ExternalWritesSink;
  /** Everything before it is known. */
  #time: Timestamp | undefined;
  /** Everything before it is known and settled. */
  #safeTime: Timestamp | undefined;
  #turn: Promise<void> = Promise.resolve();
  #blind: { readonly untilMs: number; readonly error: UserError } | undefined;
  #latest: { readonly namespace: string; readonly atMs: number } | undefined;
  #count = 0;

  /** @param time  where an earlier run stood; undefined for a new migration */
  constructor(context: RunContext, sink: ExternalWritesSink, time: Timestamp | undefined) {
    this.#context = context;
    this.#sink = sink;
    this.#time = time;
    this.#safeTime = time;
  }

  /** Where a successor has to continue; undefined before the first look. */
  get safeTime(): Timestamp | undefined {
    return this.#safeTime;
  }

  /** Documents that other clients wrote since this run began, counted once for each look. */
  get count(): number {
    return this.#count;
  }

  /** Whether the destination refuses reads of its oplog. */
  get isBlind(): boolean {
    return this.#blind !== undefined;
  }

  get warnings(): readonly string[] {
    const unseen = this.#blind === undefined ? [] : [this.#blind.error.message];
    if (this.#latest === undefined) return unseen;
    const { namespace, atMs } = this.#latest;
    const parameters = [counted(this.#count, 'document'), new Date(atMs).toISOString(), namespace];
    return [...unseen, new UserError('EXTERNAL_WRITES', parameters).message];
  }

  /** Looks regularly until the signal aborts. */
  async run(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      await this.look();
      await clock.sleep(this.#sink.isHurried() ? HURRIED_READ_EVERY_MS : READ_EVERY_MS, signal);
    }
  }

  /** Looks once: writes of other clients before this call are reported when it returns, unless the oplog can't be read. */
  async look(): Promise<void> {
    const look = this.#turn.then(() => this.#look());
    this.#turn = look.catch(() => undefined);
    await look;
  }

  async #look(): Promise<void> {
    const { clock, fence, logger, retrier, signal } = this.#context;
    if (signal.aborted || (this.#blind !== undefined && clock.elapsed() < this.#blind.untilMs)) return;
    const to = await this.#now();
    const after = this.#time;
    if (after === undefined || to === undefined) {
      this.#time = to;
      this.#safeTime = to;
      return;
    }
    const wasSettled = this.#sink.isSettled();
    const range = { after, to };
    const capped = this.#capped();
    const places = [...capped.values()].map(({ target }) => target.uuid);
    const found = await searchOplog(retrier, 'the oplog of the destination', async () => {
      await this.#lookUpDiscards(range, capped, places);
      return await readExternalWrites(fence, range, places);
    });
    if (found !== 'lost' && 'unreadable' in found) {
      const reason = messageOf(found.unreadable);
      if (this.#blind === undefined)
        logger.warn({ event: 'oplog.destination_unreadable', reason }, 'The oplog of the destination cannot be read');
      const cause = found.unreadable;
      const unseen = new UserError('EXTERNAL_WRITES_UNSEEN', [cause.codeName ?? reason], { cause });
      this.#blind = { untilMs: clock.elapsed() + ASK_AGAIN_AFTER_MS, error: unseen };
      return;
    }
    await failpoint('engine.verify.destination-oplog-read');
    this.#blind = undefined;
    // Everything is compared after a loss, so entries before its end need not be read: that read might end in another
    // loss.
    const upTo = found === 'lost' ? await this.#now() : to;
    const any = await this.#report(found);
    this.#time = upTo;
    if (!any && wasSettled && this.#sink.isSettled()) this.#safeTime = to;
  }

  /** Returns the time of a write of the primary: later than every write that was acknowledged before. */
  async #now(): Promise<Timestamp | undefined> {
    const { fence, retrier } = this.#context;
    await retrier.run('the destination', () => fence.confirm());
    return fence.afterOwnWrites.afterClusterTime;
  }

  /** @param found  `lost` when the oplog no longer reaches back */
  async #report(found: OplogKeys | 'lost'): Promise<boolean> {
    const writes = found === 'lost' ? undefined : found;
    if (writes === undefined || writes.changesCatalog) this.#sink.changedCatalog(writes?.changedCollections);
    let any = false;
    for (const collection of this.#context.tracked.values()) {
      if (collection.destinationUuid === null) continue;
      const { database, name, uuid } = collection.target;
      const place = { id: uuid.toHexString(false), namespace: `${database}.${name}` };
      if (writes !== undefined && !writes.isOf(place)) continue;
      any = true;
      if (collection.isCapped) await this.#sink.cappedWritten(collection);
      const keys = writes?.keysOf(place);
      if (keys === undefined) this.#sink.lost(collection);
      else this.#sink.found(collection, keys);
      if (writes !== undefined) this.#note(place.namespace, keys);
    }
    return any;
  }

  /** The capped collections that the destination has, by their UUID there. */
  #capped(): ReadonlyMap<string, TrackedCollection> {
    const all = [...this.#context.tracked.values()];
    const capped = all.filter(({ isCapped, destinationUuid }) => isCapped && destinationUuid !== null);
    return new Map(capped.map((collection) => [collection.target.uuid.toHexString(false), collection]));
  }

  async #lookUpDiscards(
    range: OplogRange,
    capped: ReadonlyMap<string, TrackedCollection>,
    places: readonly UUID[],
  ): Promise<void> {
    for await (const discarded of readDiscards(this.#context.fence, range, places)) {
      for (const [id, keys] of discarded) {
        const collection = capped.get(id);
        // rule: discards-on-source
        if (collection !== undefined && (await wereDeleted(this.#context, collection, keys)))
          await this.#sink.cappedWritten(collection);
      }
    }
  }

  #note(namespace: string, keys: readonly DocumentKey[] | undefined): void {
    this.#count += keys?.length ?? 1;
    this.#latest = { namespace, atMs: this.#context.clock.now() };
    const first = keys?.[0];
    const evidence = { namespace, documents: keys?.length, ...(first && { _id: describeKey(first) }) };
    this.#context.logger.warn(
      { event: 'verification.external_write', ...evidence },
      'Another client wrote to the destination',
    );
  }
}
