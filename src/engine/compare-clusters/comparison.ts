import type { Timestamp } from 'mongodb';
import { failpoint } from '../../platform/index.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import { compareOrder } from './capped-order.ts';
import { comparePair } from './compare-pair.ts';
import type { ComparedPair } from './compared-pair.ts';
import type { ComparedSide } from './compared-side.ts';
import { type ComparisonContext, PairMoved } from './comparison-context.ts';
import type { BothCatalogs } from './paired-catalog.ts';
import type { Pairs } from './pairs.ts';
import { patienceMs, UNDECIDED_AFTER_MS, UNDECIDED_AFTER_SETTLES } from './patience.ts';
import type { WatchedSide } from './watched-side.ts';

const PAIRS_AT_A_TIME = 4;
const LOOK_EVERY_MS = 20;
const CATALOG_EVERY_MS = 1_000;

/** After this many rounds, collections that are created again and again count as undecided. */
const MOST_ROUNDS = 20;
const ROUND_EVERY_MS = 200;

/** The findings, and the cluster times at which they hold. */
export interface Proof {
  readonly sourceTime: Timestamp | undefined;
  readonly destinationTime: Timestamp | undefined;
  readonly catalogs: BothCatalogs;
  /** Keys that kept changing, by pair. */
  readonly undecided: ReadonlyMap<ComparedPair, number>;
  /** Namespaces that were created, or written without events, again and again. */
  readonly restless: readonly string[];
  /** Capped collections whose order could not be compared. */
  readonly unordered: readonly string[];
}

export type Phase = 'COMPARING' | 'SETTLING' | 'FOLLOWING';

/** Compares two clusters, which may change meanwhile. */
export class Comparison {
  readonly #context: ComparisonContext;
  readonly #pairs: Pairs;
  readonly #watches: readonly WatchedSide[];
  readonly #throttle: Throttle;
  readonly #readCatalogs: () => Promise<BothCatalogs>;
  phase: Phase = 'COMPARING';

  constructor(
    context: ComparisonContext,
    others: {
      readonly pairs: Pairs;
      readonly watches: readonly WatchedSide[];
      readonly throttle: Throttle;
      readonly readCatalogs: () => Promise<BothCatalogs>;
    },
  ) {
    this.#context = context;
    this.#pairs = others.pairs;
    this.#watches = others.watches;
    this.#throttle = others.throttle;
    this.#readCatalogs = others.readCatalogs;
  }

  /** Takes over the catalogs as they are now. Must come before the streams resume from a token. */
  async adoptCatalogs(): Promise<BothCatalogs> {
    const catalogs = await this.#readCatalogs();
    this.#adopt(catalogs);
    return catalogs;
  }

  /** Compares everything that isn't compared yet, and waits until each key that has changed meanwhile has settled. */
  async prove(): Promise<Proof> {
    await this.adoptCatalogs();
    for (let round = 1; ; round += 1) {
      await this.#eachOf(this.#pairs.unfinished, (pair) => comparePair(this.#context, pair, this.#throttle));
      const { sourceTime, destinationTime } = await this.#fixTimes();
      // Only catalogs read after these times show every collection that exists at them.
      const isLast = round >= MOST_ROUNDS;
      if (this.#adopt(await this.#readCatalogs()) && !isLast) {
        await this.#context.clock.sleep(ROUND_EVERY_MS, this.#context.signal);
        continue;
      }
      const orders = this.#eachOf(
        this.#pairs.all.filter(({ isOrderOpen }) => isOrderOpen),
        (pair) => compareOrder(this.#context, pair),
      );
      const [undecided, catalogs] = await Promise.all([this.#settle(), this.#lastingCatalogs(), orders]);
      this.#adopt(catalogs);
      if (this.#pairs.unfinished.length > 0 && !isLast) continue;
      const restless = this.#pairs.unfinished.map(({ namespace }) => namespace);
      const unordered = this.#pairs.all
        .filter(({ isOrderUndecided }) => isOrderUndecided)
        .map(({ namespace }) => namespace);
      return { sourceTime, destinationTime, catalogs, undecided, restless, unordered };
    }
  }

  #adopt(catalogs: BothCatalogs): boolean {
    const isUnfinished = this.#pairs.adopt(catalogs);
    for (const watch of this.#watches) watch.watch(this.#pairs.all);
    return isUnfinished;
  }

  /** Does something with pairs, some at a time. A pair that was moved stays unfinished. */
  async #eachOf(pairs: readonly ComparedPair[], work: (pair: ComparedPair) => Promise<void>): Promise<void> {
    const slots = new Slots(PAIRS_AT_A_TIME);
    await Promise.all(
      pairs.map((pair) =>
        slots.run(async () => {
          try {
            this.#context.signal.throwIfAborted();
            await work(pair);
          } catch (error) {
            if (!(error instanceof PairMoved)) throw error;
          }
        }),
      ),
    );
  }

  /**
   * Chooses the times of both sides at which the result will hold: now. Waits until the streams have shown everything up
   * to them, so that every key that changed before is known.
   */
  async #fixTimes() {
    const { source, destination, clock, signal, pending } = this.#context;
    const [sourceTime, destinationTime] = await Promise.all([this.#timeOf(source), this.#timeOf(destination)]);
    while (!source.hasShown(sourceTime) || !destination.hasShown(destinationTime)) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      signal.throwIfAborted();
    }
    for (const entry of pending.all()) entry.makeAwaited();
    await failpoint('engine.compare.times-fixed');
    return { sourceTime, destinationTime };
  }

  async #timeOf(side: ComparedSide): Promise<Timestamp | undefined> {
    const { operationTime } = await this.#context.retrier.run(`the ${side.side}`, () =>
      side.client.db('admin').command({ ping: 1 }),
    );
    side.note(operationTime);
    return operationTime;
  }

  /** Waits until the keys that changed before the fixed times have settled. @returns those that keep changing */
  async #settle(): Promise<ReadonlyMap<ComparedPair, number>> {
    const { clock, signal, settleMs } = this.#context;
    this.phase = this.phase === 'COMPARING' ? 'SETTLING' : this.phase;
    let least = Number.POSITIVE_INFINITY;
    let sinceMs = clock.elapsed();
    while (true) {
      const awaited = [...this.#context.pending.all()].filter(({ isAwaited }) => isAwaited);
      if (awaited.length < least) {
        least = awaited.length;
        sinceMs = clock.elapsed();
      }
      const expires = awaited.some(({ collection }) => collection.expires);
      if (awaited.length === 0 || clock.elapsed() - sinceMs > patienceMs(settleMs, expires)) {
        const byPair = Map.groupBy(awaited, ({ collection }) => collection);
        return new Map([...byPair].map(([pair, those]) => [pair, those.length]));
      }
      await clock.sleep(LOOK_EVERY_MS, signal);
      signal.throwIfAborted();
    }
  }

  /** Reads the catalogs until their differences have stayed the same for as long as a difference takes to count. */
  async #lastingCatalogs(): Promise<BothCatalogs> {
    const { clock, signal, settleMs } = this.#context;
    let catalogs = await this.#readCatalogs();
    let sinceMs = clock.elapsed();
    let looks = 0;
    while (catalogs.differences.length > 0 && clock.elapsed() - sinceMs < settleMs) {
      await clock.sleep(CATALOG_EVERY_MS, signal);
      signal.throwIfAborted();
      const before = JSON.stringify(catalogs.differences);
      catalogs = await this.#readCatalogs();
      looks += 1;
      const isRestless = looks * CATALOG_EVERY_MS > UNDECIDED_AFTER_SETTLES * settleMs + UNDECIDED_AFTER_MS;
      if (JSON.stringify(catalogs.differences) !== before && !isRestless) sinceMs = clock.elapsed();
    }
    return catalogs;
  }
}
