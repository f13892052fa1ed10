import { type ClusterAddress, LeaderSilence, RemoteWatchdog, StandingReader } from '../engine/index.ts';
import type { Report, WantedAgentState } from '../link/index.ts';
import { type Clock, type Logger, messageOf, redact } from '../platform/index.ts';
import type { AgentConfiguration } from './configuration.ts';
import { destinationAddress } from './destination-address.ts';
import { sourceAddress } from './source-address.ts';

type WantedStandby = WantedAgentState['standbys'][number];
type ReportedStandby = Report['standbys'][number];

const LOOK_EVERY_MS = 2_000;

interface StandbysOptions {
  readonly configuration: AgentConfiguration;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Called when there is something to report. */
  readonly changed: () => void;
}

interface RunningStandby {
  /** The JSON of its order. */
  readonly order: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Stands by for migrations that other agents lead: reads their records on both clusters, and tells the control plane, which decides
 * when this agent takes one over. Writes nothing, but opens a source whose leader and destination are lost together
 * (docs/adr/0039-standby.md).
 */
export class Standbys {
  readonly #options: StandbysOptions;
  readonly #running = new Map<string, RunningStandby>();
  readonly #found = new Map<string, ReportedStandby>();

  constructor(options: StandbysOptions) {
    this.#options = options;
  }

  /** Begins to stand by for new migrations, and for those whose clusters have other addresses or credentials now. Leaves the others. */
  setWanted(wanted: readonly WantedStandby[]): void {
    const orders = new Map(wanted.map((standby) => [standby.id, JSON.stringify(standby)]));
    for (const [id, { order, stop }] of this.#running) {
      if (orders.get(id) === order) continue;
      stop.abort();
      this.#running.delete(id);
      this.#found.delete(id);
    }
    for (const standby of wanted) if (!this.#running.has(standby.id)) this.#begin(standby);
  }

  reports(): Report['standbys'] {
    return [...this.#found.values()];
  }

  async stopAll(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort();
    await Promise.all(running.map(({ ended }) => ended));
  }

  #begin(standby: WantedStandby): void {
    const stop = new AbortController();
    const ended = this.#watch(standby, stop.signal).catch((error) =>
      this.#note({ id: standby.id, record: 'UNREAD', reason: redact(messageOf(error)) }, stop.signal),
    );
    this.#running.set(standby.id, { order: JSON.stringify(standby), stop, ended });
  }

  /** Looks until `signal` aborts. @throws UserError for an address that this agent may not use */
  async #watch({ id, source, destination }: WantedStandby, signal: AbortSignal): Promise<void> {
    const { configuration, clock } = this.#options;
    const there = destinationAddress(destination, configuration.allowedDestinations);
    const here = sourceAddress(configuration, source);
    await using resources = new AsyncDisposableStack();
    const readers = [
      { reader: resources.use(new StandingReader(there, signal)), watchdog: this.#watchdogOf(here, id) },
      { reader: resources.use(new StandingReader(here, signal)), watchdog: this.#watchdogOf(there, id) },
    ];
    // They end with the signal, so they begin once no address can be refused any more.
    const watching = readers.map(({ watchdog }) => watchdog.run(signal));
    resources.defer(async () => void (await Promise.all(watching)));
    const read = async ({ reader, watchdog }: (typeof readers)[number]) => {
      const standing = await reader.read(id);
      watchdog.leaseRead();
      return standing;
    };
    const silence = new LeaderSilence(clock);
    for (; !signal.aborted; await clock.sleep(LOOK_EVERY_MS, signal)) {
      try {
        // After a reversal the record is on the source. An agent that can't read both clusters must not take over.
        // rule: standby-reads-both
        const standings = await Promise.all(readers.map(read));
        const isSilent = silence.look(standings.filter((standing) => standing !== undefined));
        this.#note({ id, record: isSilent ? 'SILENT' : 'WRITTEN' }, signal);
      } catch (error) {
        // rule: agent-standby-after-outage
        silence.doubt();
        this.#note({ id, record: 'UNREAD', reason: redact(messageOf(error)) }, signal);
      }
    }
  }

  #watchdogOf(source: ClusterAddress, id: string): RemoteWatchdog {
    const { clock, logger } = this.#options;
    return new RemoteWatchdog({ source, migrationIds: [id] }, { clock, logger: logger.child({ migrationId: id }) });
  }

  #note(found: ReportedStandby, signal: AbortSignal): void {
    if (signal.aborted) return;
    const before = this.#found.get(found.id);
    this.#found.set(found.id, found);
    if (before?.record === found.record) return;
    const { id: migrationId, record, reason } = found;
    const logger = this.#options.logger.child({ migrationId });
    logger.info({ event: 'standby.record', record, ...(reason !== undefined && { reason }) }, 'standing by');
    this.#options.changed();
  }
}
