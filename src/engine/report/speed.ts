import type { MigrationState, Progress } from '../../contract/index.ts';
import type { Pace } from '../records/context.ts';
import { RateWindow, secondsFor } from './rate-window.ts';
import type { VerificationRates } from './verification-progress.ts';

const EVERY_MS = 1_000;
const ESTIMATED_AFTER_MS = 10_000;

/** The recent speed of a migration, and the estimated time left. */
export class Speed {
  readonly #bytes = new RateWindow();
  /** For the estimate. The first batches of a copy say little about the rest, and would make hours of seconds. */
  readonly #bytesForEta = new RateWindow(undefined, ESTIMATED_AFTER_MS);
  readonly #documents = new RateWindow();
  readonly #changes = new RateWindow();
  readonly #lag = new RateWindow(undefined, ESTIMATED_AFTER_MS);
  readonly #documentsCompared = new RateWindow();
  readonly #bytesCompared = new RateWindow();
  #latest: Progress | undefined;
  #state: MigrationState | undefined;
  #restarts = 0;

  /** Samples every second until the run ends. */
  async run({ clock, signal }: Pace, progress: () => Progress): Promise<void> {
    while (!signal.aborted) {
      this.add(progress(), clock.elapsed());
      await clock.sleep(EVERY_MS, signal);
    }
  }

  /**
   * Adds a snapshot.
   * @param atMs  its time, never earlier than the one before
   */
  add(progress: Progress, atMs: number): void {
    const { state, copy, changes, lagSeconds, verification } = progress;
    if (state !== this.#state || copy.restarts !== this.#restarts) {
      const windows = [this.#bytes, this.#bytesForEta, this.#documents, this.#changes, this.#lag];
      for (const window of windows) window.reset();
    }
    this.#state = state;
    this.#restarts = copy.restarts;
    this.#latest = progress;
    this.#bytes.count(atMs, copy.bytesCopied);
    this.#bytesForEta.count(atMs, copy.bytesCopied);
    this.#documents.count(atMs, copy.documentsCopied);
    this.#changes.count(atMs, changes.applied);
    this.#documentsCompared.count(atMs, verification.documentsCompared);
    this.#bytesCompared.count(atMs, verification.bytesCompared);
    if (lagSeconds !== null) this.#lag.add(atMs, lagSeconds);
  }

  get rates(): Progress['rates'] {
    return {
      bytesPerSecond: this.#bytes.perSecond(),
      documentsPerSecond: this.#documents.perSecond(),
      changesPerSecond: this.#changes.perSecond(),
    };
  }

  get verificationRates(): VerificationRates {
    return {
      documentsPerSecond: this.#documentsCompared.perSecond(),
      bytesPerSecond: this.#bytesCompared.perSecond(),
    };
  }

  /**
   * Time until everything is copied, or until the lag is gone; null when unknown, or when there is nothing to wait for.
   */
  get etaSeconds(): number | null {
    if (this.#latest === undefined) return null;
    const { state, copy, lagSeconds, readyForCutover } = this.#latest;
    if (state === 'COPYING') return secondsFor(copy.bytesTotal - copy.bytesCopied, this.#bytesForEta.perSecond());
    if (state !== 'FOLLOWING' || readyForCutover || lagSeconds === null) return null;
    const falling = this.#lag.perSecond();
    return falling === null ? null : secondsFor(lagSeconds, -falling);
  }
}
