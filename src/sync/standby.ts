import { type Leader, LeaderSilence, type RecordedStanding, RemoteWatchdog, StandingReader } from '../engine/index.ts';
import { type Clock, type Logger, messageOf } from '../platform/index.ts';
import type { ClusterName, ClusterUris } from './clusters.ts';
import { DIRECTIONS, idOf, type Readers, recordedMigration } from './recorded-migrations.ts';
import type { SyncSession } from './session.ts';
import type { StartRequest } from './start-request.ts';

const LOOK_EVERY_MS = 2_000;

/**
 * Waits beside the process that leads a migration, and takes it over when that process has left, is silent or can't reach the source. Writes
 * nothing before, but opens a source whose leader and destination are lost together. This decides only who starts; the
 * fence decides who may write, so a needless take-over loses nothing (docs/adr/0039-standby.md).
 */
export class Standby {
  readonly #session: SyncSession;
  readonly #uris: ClusterUris;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #silence: LeaderSilence;

  constructor(
    session: SyncSession,
    uris: ClusterUris,
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#session = session;
    this.#uris = uris;
    this.#clock = clock;
    this.#logger = logger;
    this.#silence = new LeaderSilence(clock);
  }

  /** The process that leads the migration, as it was seen last; undefined while this one does, or none. */
  get leader(): Leader | undefined {
    return this.#session.migrationId === undefined ? this.#silence.leader : undefined;
  }

  /**
   * Waits, takes over, and waits again once another process has taken over, until `signal` aborts.
   * @param changed  called when another process leads, or none does
   */
  async run(signal: AbortSignal, changed: (leader: Leader | undefined) => void = () => undefined): Promise<void> {
    const readerOf = (name: ClusterName) => new StandingReader({ uri: this.#uris[name] }, signal);
    await using cluster0 = readerOf('cluster0');
    await using cluster1 = readerOf('cluster1');
    const isLeading = () => this.#session.migrationId !== undefined;
    const watchdogs = { cluster0: this.#watchdogOf('cluster1'), cluster1: this.#watchdogOf('cluster0') };
    const readers = {
      cluster0: telling(cluster0, watchdogs.cluster0),
      cluster1: telling(cluster1, watchdogs.cluster1),
    };
    const watching = Object.values(watchdogs).map((watchdog) => watchdog.run(signal, isLeading));
    await Promise.all([...watching, this.#standBy(readers, signal, changed)]);
  }

  #watchdogOf(source: ClusterName): RemoteWatchdog {
    // A failback has the id of the first direction.
    const migrationIds = DIRECTIONS.map((direction) => idOf(this.#uris, direction));
    const options = { clock: this.#clock, logger: this.#logger };
    return new RemoteWatchdog({ source: { uri: this.#uris[source] }, migrationIds }, options);
  }

  async #standBy(readers: Readers, signal: AbortSignal, changed: (leader: Leader | undefined) => void): Promise<void> {
    let told: number | undefined;
    for (; !signal.aborted; await this.#clock.sleep(LOOK_EVERY_MS, signal)) {
      const { leader } = this;
      if (leader?.startedAtMs !== told) changed(leader);
      told = leader?.startedAtMs;
      if (this.#session.migrationId !== undefined) {
        this.#session.leaveTaken();
        this.#silence.doubt();
        continue;
      }
      try {
        await this.#look(readers);
      } catch (error) {
        // rule: standby-after-outage
        this.#silence.doubt();
        if (!signal.aborted) this.#logger.info({ event: 'standby.not_taken', reason: messageOf(error) }, 'standing by');
      }
    }
  }

  async #look(readers: Readers): Promise<void> {
    const found = await recordedMigration(this.#uris, readers);
    if (found === undefined) return this.#silence.forget();
    const isSilent = this.#silence.look(found.standings);
    // This process has just read both clusters.
    // rule: take-from-cut-off-leader
    if (isSilent || this.#silence.leader?.isCutOff) await this.#takeOver(found.request, found.standings);
  }

  async #takeOver(request: StartRequest, standings: readonly RecordedStanding[]): Promise<void> {
    this.#logger.warn(
      { event: 'standby.takes_over', leader: this.#silence.leader?.host },
      'the leader is gone, or cannot reach the source: taking over',
    );
    await this.#session.start(request);
    this.#silence.forget();
    // rule: standby-keeps-pause
    if (standings.some(({ state }) => state === 'PAUSED')) this.#session.pause();
  }
}

/** Returns a reader of records that tells the watchdog beside the other cluster, whose lease they have. */
function telling(reader: StandingReader, watchdog: RemoteWatchdog): Readers[ClusterName] {
  return {
    read: async (migrationId) => {
      const standing = await reader.read(migrationId);
      watchdog.leaseRead();
      return standing;
    },
  };
}
