import { ALIVE_WITHIN_MS, openForLostEngine, uncommittedClaim, unlessAborted } from '../engine/index.ts';
import { type Clock, type Logger, messageOf } from '../platform/index.ts';
import type { ClusterUris } from './clusters.ts';
import { DIRECTIONS, idOf, type Readers } from './recorded-migrations.ts';
import type { Direction } from './start-request.ts';

const LOOK_EVERY_MS = 2_000;
/** A live leader mostly blocks its source for less than a second. */
const HELD_MS = 10_000;

/**
 * Opens the source of a cutover whose leader and destination are lost together. The leader's own watchdog is lost with
 * its host, and no standby can take over without the destination. A lease that could not be read for its whole time
 * counts as run out. A leader that lives nonetheless loses this attempt, and nothing else: the notes in the source's
 * oplog decide between its commit and the opening (docs/adr/0039-standby.md).
 */
export class RemoteWatchdog {
  readonly #uris: ClusterUris;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** When each cluster's records were read last, by the monotonic clock. */
  readonly #readAt;

  constructor(uris: ClusterUris, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#uris = uris;
    this.#clock = clock;
    this.#logger = logger;
    const now = clock.elapsed();
    this.#readAt = { cluster0: now, cluster1: now };
  }

  /** Returns readers that do the same, and tell this watchdog that they could read. */
  told({ cluster0, cluster1 }: Readers): Readers {
    const telling = (name: keyof Readers, reader: Readers['cluster0']): Readers['cluster0'] => ({
      read: async (migrationId) => {
        const standing = await reader.read(migrationId);
        this.#readAt[name] = this.#clock.elapsed();
        return standing;
      },
    });
    return { cluster0: telling('cluster0', cluster0), cluster1: telling('cluster1', cluster1) };
  }

  /** Watches until `signal` aborts. @param isLeading  whether this process leads, so that its engine has a watchdog */
  async run(isLeading: () => boolean, signal: AbortSignal): Promise<void> {
    await Promise.all(DIRECTIONS.map((direction) => this.#watch(direction, isLeading, signal)));
  }

  async #watch(direction: Direction, isLeading: () => boolean, signal: AbortSignal): Promise<void> {
    let look = this.#lookAt(direction);
    for (; !signal.aborted; await this.#clock.sleep(LOOK_EVERY_MS, signal)) {
      const unreadMs = this.#clock.elapsed() - this.#readAt[direction.destination];
      // rule: watchdog-of-unread-lease
      if (isLeading() || unreadMs < ALIVE_WITHIN_MS - HELD_MS) {
        look = this.#lookAt(direction);
        continue;
      }
      try {
        await unlessAborted(look(unreadMs), signal);
      } catch (error) {
        if (!signal.aborted)
          this.#logger.info({ event: 'standby.source_unread', reason: messageOf(error) }, 'the source is out of reach');
      }
    }
  }

  /** Returns a function that looks whether a cutover of either direction blocks the source, and opens it when it has for long. */
  #lookAt({ source, destination }: Direction): (unreadMs: number) => Promise<void> {
    const address = { uri: this.#uris[source] };
    let seen: { readonly id: string; readonly sinceMs: number } | undefined;
    return async (unreadMs) => {
      // A failback has the id of the first direction.
      const ids = DIRECTIONS.map((one) => idOf(this.#uris, one));
      const claim = await uncommittedClaim(address, ids);
      const now = this.#clock.elapsed();
      if (claim?.id !== seen?.id) seen = claim && { id: claim.id, sinceMs: now };
      if (claim === undefined || seen === undefined) return;
      // rule: watchdog-of-held-block
      if (unreadMs < ALIVE_WITHIN_MS || now - seen.sinceMs < HELD_MS) return;
      const block = await openForLostEngine(address, claim);
      this.#logger.warn(
        { event: 'standby.opened_source', block, unread: destination },
        'opened the source of a cutover whose leader and destination are out of reach',
      );
    };
  }
}
