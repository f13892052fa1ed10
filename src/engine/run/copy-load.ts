import { allowedLoad, type Order } from '../../contract/index.ts';
import { loadOf } from '../concurrency/load-level.ts';
import { Throttle } from '../concurrency/throttle.ts';
import type { Pace } from '../records/context.ts';

/** Windows open and close on full minutes. */
const MINUTE_MS = 60_000;

/** The load of the copy and the comparison: the order's, that of an open window, and at most the limit of the options. */
export class CopyLoad {
  readonly throttle: Throttle;
  readonly #context: Pace;
  readonly #most: number;
  readonly #order: () => Order;
  readonly #adjusted: () => void;

  /**
   * @param mostBytesPerSecond  the limit of the options
   * @param adjusted  has what runs follow the load level
   */
  constructor(context: Pace, mostBytesPerSecond: number | undefined, order: () => Order, adjusted: () => void) {
    this.#context = context;
    this.#most = mostBytesPerSecond ?? Number.POSITIVE_INFINITY;
    this.throttle = new Throttle(this.#most, context.clock);
    this.#order = order;
    this.#adjusted = adjusted;
  }

  /** Applies the load that the order allows now. */
  apply(): void {
    const { clock, load } = this.#context;
    const { loadLevel, copyBytesPerSecond } = allowedLoad(this.#order(), clock.now());
    load.current = loadOf(loadLevel);
    this.#adjusted();
    this.throttle.bytesPerSecond = Math.min(copyBytesPerSecond ?? Number.POSITIVE_INFINITY, this.#most);
  }

  /** Applies it again whenever a window may open or close, until the run ends. */
  async run(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      // rule: follow-windows
      if (this.#order().windows.length > 0) this.apply();
      await clock.sleep(MINUTE_MS - (clock.now() % MINUTE_MS), signal);
    }
  }
}
