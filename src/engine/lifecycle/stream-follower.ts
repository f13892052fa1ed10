import type { Timestamp } from 'mongodb';
import { Lanes } from '../apply/lanes.ts';
import { ChangeStream, type ResumeToken, type StreamBatch } from '../capture/change-stream.ts';
import { Dispatcher } from '../capture/dispatcher.ts';
import { type SourceCatalog, sourceCatalog } from '../capture/source-catalog.ts';
import { Spool } from '../capture/spool.ts';
import { Watermark } from '../capture/watermark.ts';
import { IndexKeeper } from '../catalog/index-keeper.ts';
import { reconcileCatalog } from '../catalog/reconcile.ts';
import type { CatalogRecord } from '../checkpoint/records.ts';
import { isBefore, timeOfToken } from '../cluster/cluster-time.ts';
import { Copier } from '../copy/copier.ts';
import type { Throttle } from '../copy/throttle.ts';
import type { RunningStream } from '../cutover/cut-over.ts';
import type { EngineContext } from './context.ts';
import type { TaskGroup } from './task-group.ts';

const IDLE_WAIT_MS = 250;
const HURRIED_WAIT_MS = 5;
const SPOOL_FLUSH_EVERY_MS = 50;
const POLL_MS = 5;

/** Follows the source from a token on: catalog, copy, spool, lanes. Everything of a running migration but its lifecycle. */
export class StreamFollower implements RunningStream {
  readonly #context: EngineContext;
  readonly #tasks: TaskGroup;
  readonly #lanes: Lanes;
  readonly #spool: Spool;
  readonly #indexes: IndexKeeper;
  readonly #copier: Copier;
  readonly #watermark: Watermark;
  readonly #catalog: SourceCatalog;
  readonly #dispatcher: Dispatcher;
  readonly #stream: ChangeStream;
  #hurried = 0;
  #stopped = false;
  #following: Promise<void> = Promise.resolve();
  #latest: { readonly batch: StreamBatch; readonly atMs: number } | undefined;

  /** @param catalog  what the source's catalog was when the migration began, where it has to stay so */
  constructor(
    context: EngineContext,
    tasks: TaskGroup,
    token: ResumeToken,
    catalog: CatalogRecord | undefined,
    throttle: Throttle,
  ) {
    this.#context = context;
    this.#tasks = tasks;
    const time = timeOfToken(token);
    context.position.time = time;
    this.#stream = new ChangeStream(context, token);
    this.#indexes = new IndexKeeper(context, (error) => void tasks.start(() => Promise.reject(error)));
    this.#lanes = new Lanes(context, this.#indexes);
    this.#spool = new Spool(context);
    this.#copier = new Copier(context, this.#spool, this.#lanes, this.#indexes, throttle);
    this.#watermark = new Watermark({ token, time }, () =>
      Math.min(this.#lanes.oldestSequence, this.#spool.oldestSequence),
    );
    this.#catalog = sourceCatalog(context, catalog, (databases) => this.#bringCatalogInStep(databases));
    const sinks = { lanes: this.#lanes, spool: this.#spool, watermark: this.#watermark };
    this.#dispatcher = new Dispatcher(context, sinks, this.#catalog);
  }

  /** Where a successor can go on. */
  get safeToken(): ResumeToken {
    return this.#watermark.safe.token;
  }

  get queued(): number {
    return this.#lanes.queued;
  }

  /** Whether every collection is copied, indexed and followed. */
  get allLive(): boolean {
    return this.#indexes.idle && [...this.#context.tracked.values()].every(({ state }) => state === 'live');
  }

  /** Seconds behind the source by cluster time, grown by the time for which the source has not answered. */
  get lagSeconds(): number | null {
    if (this.#latest === undefined) return null;
    const { batch, atMs } = this.#latest;
    const behind = Math.max(0, batch.sourceTime.getHighBits() - this.#watermark.safe.time.getHighBits());
    const silentSeconds = Math.floor((this.#context.clock.now() - atMs) / 1_000);
    return behind + (silentSeconds > 2 ? silentSeconds : 0);
  }

  /** Takes up the operator's load level. */
  adjustLoad(): void {
    this.#copier.adjustLoad();
  }

  /** Compares the catalogs once, then follows. */
  async start(): Promise<void> {
    await this.#catalog.start();
    const { signal } = this.#context;
    this.#tasks.start(() => this.#catalog.watch());
    this.#tasks.start(() => this.#lanes.run(signal));
    this.#tasks.start(() => this.#flushSpool());
    this.#following = this.#tasks.start(() => this.#follow());
  }

  async inStepAt(time: Timestamp, signal: AbortSignal): Promise<void> {
    using _ = this.hurry();
    while (isBefore(this.#watermark.safe.time, time) || !this.allLive) {
      signal.throwIfAborted();
      await this.#context.clock.sleep(POLL_MS, signal);
    }
  }

  hurry(): Disposable {
    this.#hurried += 1;
    return {
      [Symbol.dispose]: () => {
        this.#hurried -= 1;
      },
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#following;
    await this.flush();
  }

  async confirmCatalog(options: { readonly quiet: boolean }): Promise<void> {
    await this.#catalog.confirm(this.safeToken, options);
  }

  /** Resolves when all that was taken from the stream is on the destination, or in the spool. */
  async flush(): Promise<void> {
    await this.#spool.flush();
    await this.#lanes.flush();
  }

  async #follow(): Promise<void> {
    const { gate, signal, clock } = this.#context;
    await using stream = this.#stream;
    while (!this.#stopped) {
      await gate.pass(signal);
      const batch = await stream.next(this.#hurried > 0 ? HURRIED_WAIT_MS : IDLE_WAIT_MS);
      this.#latest = { batch, atMs: clock.now() };
      await this.#dispatcher.dispatch(batch);
    }
  }

  async #flushSpool(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      await this.#spool.flush();
      await clock.sleep(SPOOL_FLUSH_EVERY_MS, signal);
    }
  }

  async #bringCatalogInStep(databases: ReadonlySet<string>): Promise<void> {
    await reconcileCatalog(this.#context, databases);
    await this.#copier.takeUp((task) => void this.#tasks.start(task));
    for (const collection of this.#context.tracked.values()) {
      // Those still being copied get their indexes after it; everything later has to hear of every change.
      const indexed = collection.state === 'indexing' || collection.state === 'live';
      if (!indexed || !databases.has(collection.sourceDatabase)) continue;
      this.#tasks.start(() => this.#indexes.keep(collection));
    }
  }
}
