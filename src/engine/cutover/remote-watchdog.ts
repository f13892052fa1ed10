import { type Clock, type Logger, messageOf } from '../../platform/index.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import type { ClusterAddress } from '../mongodb/connect.ts';
import { ALIVE_WITHIN_MS } from '../records/running-engine.ts';
import { openForLostEngine, uncommittedClaim } from './lost-cutover.ts';

const LOOK_EVERY_MS = 2_000;
/** A live leader mostly blocks its source for less than a second. */
const HELD_MS = 10_000;

/** The source of a cutover, beside which a standby watches. */
export interface WatchedSource {
  readonly source: ClusterAddress;
  /** The migrations that may cut over from it. */
  readonly migrationIds: readonly string[];
}

/**
 * Opens the source of a cutover whose leader and destination are lost together. The leader's own watchdog is lost with
 * its host, and no standby can take over without the destination. A lease that could not be read for its whole time
 * counts as run out. A leader that lives nonetheless loses this attempt, and nothing else: the notes in the source's
 * oplog decide between its commit and the opening (docs/adr/0039-standby.md).
 */
export class RemoteWatchdog {
  readonly #watched: WatchedSource;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** When the lease was read last, by the monotonic clock. */
  #readAtMs: number;
  /** The claim that blocks the source, and when this process found it first. */
  #seen: { readonly id: string; readonly sinceMs: number } | undefined;

  constructor(watched: WatchedSource, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#watched = watched;
    this.#clock = clock;
    this.#logger = logger;
    this.#readAtMs = clock.elapsed();
  }

  /** Notes that the records on the destination were read, which have the lease. */
  leaseRead(): void {
    this.#readAtMs = this.#clock.elapsed();
  }

  /** Watches until `signal` aborts. @param isLeading  whether this process leads, so that its engine has a watchdog */
  async run(signal: AbortSignal, isLeading: () => boolean = () => false): Promise<void> {
    for (; !signal.aborted; await this.#clock.sleep(LOOK_EVERY_MS, signal)) {
      // rule: watchdog-of-unread-lease
      if (isLeading() || this.#unreadMs() < ALIVE_WITHIN_MS - HELD_MS) {
        this.#seen = undefined;
        continue;
      }
      try {
        await unlessAborted(this.#look(), signal);
      } catch (error) {
        if (!signal.aborted)
          this.#logger.info({ event: 'standby.source_unread', reason: messageOf(error) }, 'the source is out of reach');
      }
    }
  }

  async #look(): Promise<void> {
    const { source, migrationIds } = this.#watched;
    const claim = await uncommittedClaim(source, migrationIds);
    const now = this.#clock.elapsed();
    if (claim?.id !== this.#seen?.id) this.#seen = claim && { id: claim.id, sinceMs: now };
    if (claim === undefined || this.#seen === undefined) return;
    // rule: watchdog-of-held-block
    if (this.#unreadMs() < ALIVE_WITHIN_MS || now - this.#seen.sinceMs < HELD_MS) return;
    // The engine may have announced its commit since, or ended its claim.
    if ((await openForLostEngine(source, claim)) !== 'lifted') return;
    this.#logger.warn(
      { event: 'standby.opened_source' },
      'opened the source of a cutover whose leader and destination are out of reach',
    );
  }

  #unreadMs(): number {
    return this.#clock.elapsed() - this.#readAtMs;
  }
}
