import { Timestamp } from 'mongodb';
import { failpoint } from '../../platform/index.ts';
import { type ChangeEvent, concerns, isDocumentChange } from '../capture/change-event.ts';
import type { ChangeStream } from '../capture/change-stream.ts';
import type { OplogKeys } from '../capture/oplog-keys.ts';
import { timeOfToken } from '../mongodb/cluster-time.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import type { Selection } from '../scope/selection.ts';
import type { ComparedPair } from './compared-pair.ts';
import type { ComparedSide } from './compared-side.ts';
import type { ComparisonContext } from './comparison-context.ts';
import { clusterTime } from './differences.ts';
import type { SavedSide } from './saved-state.ts';
import { confirmHistory, type SideStreamOptions, sideStream } from './side-stream.ts';
import { UnstreamedSearch } from './unstreamed-search.ts';

const WAIT_MS = 500;
const ROOM_EVERY_MS = 25;
const PASSES_AFTER_MS = 500;

/** Makes the keys pending that the change stream of one side shows. */
export class WatchedSide implements AsyncDisposable {
  readonly #context: ComparisonContext;
  readonly #side: ComparedSide;
  readonly #concerned: (event: ChangeEvent) => boolean;
  #stream: ChangeStream;
  #unstreamed: UnstreamedSearch;
  /** By UUID, and by name for servers that show no UUIDs. */
  #pairs: ReadonlyMap<string, ComparedPair> = new Map();
  #reply = 0;
  /** The resume token after each reply from which on a key may be pending. -1 is before the first reply. */
  #tokens: { readonly reply: number; readonly token: string }[] = [];
  /** Changes of the catalog that concern the comparison. */
  catalogChanges = 0;

  constructor(context: ComparisonContext, side: ComparedSide, selection: Selection) {
    this.#context = context;
    this.#side = side;
    this.#concerned = (event) => side.side === 'destination' || concerns(selection, event);
    this.#stream = sideStream(this.#streamOptions, undefined);
    this.#unstreamed = new UnstreamedSearch(context, side, undefined);
  }

  /**
   * Opens the stream. Everything that changes from now on, or after the saved token, becomes known.
   * @param saved  where an earlier run stood. Its token is null when it didn't watch, so that the changes since then are unknown
   * @throws UserError VERIFICATION_HISTORY_LOST when those can't become known, or data that was read then doesn't exist any more
   */
  async start(saved: SavedSide | undefined): Promise<void> {
    const history = historyOf(this.#side.client);
    history.forget();
    if (saved?.seen) history.expect(new Timestamp(saved.seen));
    if (saved?.shards) history.shards.expect(saved.shards);
    const token = saved?.token ?? undefined;
    this.#stream = sideStream(this.#streamOptions, token);
    // The first reply may have changes. Until they have settled, a later run has to resume before them, too.
    // rule: resume-before-first-reply
    this.#tokens = token === undefined ? [] : [{ reply: -1, token }];
    const time = token === undefined ? undefined : timeOfToken({ _data: token });
    this.#unstreamed = new UnstreamedSearch(this.#context, this.#side, time);
    this.#side.isOplogRead = saved?.oplogRead ?? true;
    this.#side.isWatched = saved?.token !== null;
    if (!this.#side.isWatched) return await confirmHistory(this.#streamOptions);
    try {
      await this.#read(0);
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
      this.#side.isWatched = false;
    }
  }

  /** Follows the stream until the signal aborts. */
  async run(): Promise<void> {
    while (this.#side.isWatched && !this.#context.signal.aborted) {
      // rule: bounded-pending-keys
      await this.#room();
      await this.#read(WAIT_MS);
      await failpoint('engine.compare.stream-read');
    }
  }

  /**
   * Waits while too many keys are pending, as long as any settle. Keys that differ wait until the streams have shown the
   * time of their reads, so streams that waited for them would wait forever.
   */
  async #room(): Promise<void> {
    const { clock, pending, signal } = this.#context;
    const beganAtMs = clock.elapsed();
    // rule: streams-pass-slowly
    const isOver = () => clock.elapsed() - Math.max(beganAtMs, pending.settledAtMs) >= PASSES_AFTER_MS;
    while (pending.isFull && !isOver() && !signal.aborted) await clock.sleep(ROOM_EVERY_MS, signal);
  }

  /** Sets the compared pairs. Changes of other collections are ignored. */
  watch(pairs: Iterable<ComparedPair>): void {
    const known = new Map<string, ComparedPair>();
    for (const pair of pairs) {
      const { uuid, database, name } = pair[this.#side.side];
      if (uuid !== undefined) known.set(uuid.toHexString(false), pair);
      known.set(`${database}.${name}`, pair);
    }
    this.#pairs = known;
  }

  /** Returns where a later run can resume. */
  saved(): SavedSide {
    const { client, isOplogRead } = this.#side;
    const { latest, shards } = historyOf(client);
    const { expected } = shards;
    const seen = { seen: clusterTime(latest), ...(expected && { shards: [...expected] }) };
    return { token: this.#safeToken(), ...seen, oplogRead: isOplogRead };
  }

  /** Returns the token before which every key that changed has settled. Null when the side isn't watched. */
  #safeToken(): string | null {
    if (!this.#side.isWatched) return null;
    let oldest = Number.POSITIVE_INFINITY;
    for (const { since } of this.#context.pending.all()) {
      oldest = Math.min(oldest, since[this.#side.side] ?? Number.POSITIVE_INFINITY);
    }
    const place = this.#tokens.findLastIndex(({ reply }) => reply < oldest);
    this.#tokens.splice(0, Math.max(0, place));
    return this.#tokens[0]?.token ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]();
  }

  async #read(waitMs: number): Promise<void> {
    const { events, token, shownTo, operationTime } = await this.#stream.next(waitMs);
    for (const event of events) this.#take(event);
    this.#side.note(operationTime);
    // Only a position up to which the oplog was searched, too, is one to resume from.
    if (this.#unstreamed.isDue) {
      this.#takeUnstreamed(await this.#unstreamed.upTo(shownTo, operationTime));
      this.#tokens.push({ reply: this.#reply, token: token._data });
      this.#side.shownTo = shownTo;
    }
    this.#reply += 1;
  }

  #takeUnstreamed(writes: OplogKeys | undefined): void {
    if (writes === undefined) return;
    for (const pair of new Set(this.#pairs.values())) {
      const { uuid, database, name } = pair[this.#side.side];
      const place = { id: uuid?.toHexString(false) ?? '', namespace: `${database}.${name}` };
      if (pair.state === 'waiting' || !writes.isOf(place)) continue;
      const keys = writes.keysOf(place);
      pair.changes[this.#side.side] += keys?.length ?? 1;
      if (keys === undefined) pair.invalidate();
      else for (const key of keys) this.#context.pending.addChange(pair, key, this.#side.side, this.#reply);
    }
  }

  #take(event: ChangeEvent): void {
    if (!isDocumentChange(event)) {
      if (this.#concerned(event)) this.catalogChanges += 1;
      return;
    }
    const pair = this.#pairs.get(event.collectionId ?? `${event.database}.${event.collection}`);
    // A collection whose comparison has not begun is read later, at or after this change.
    if (pair === undefined || pair.state === 'waiting') return;
    pair.changes[this.#side.side] += 1;
    this.#context.pending.addChange(pair, event.key, this.#side.side, this.#reply);
  }

  get #streamOptions(): SideStreamOptions {
    const { side, client, features } = this.#side;
    return { side, client, showsAll: features.showsCatalogChanges, retrier: this.#context.retrier };
  }
}
