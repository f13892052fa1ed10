import type { SourceWatchState } from '../contract/index.ts';
import { SourceWatch } from '../engine/index.ts';
import type { Report, WantedAgentState } from '../link/index.ts';
import { type Clock, type Logger, messageOf } from '../platform/index.ts';
import type { AgentConfiguration } from './configuration.ts';
import { sourceAddress } from './source-address.ts';

type WantedWatch = WantedAgentState['watches'][number];

interface RunningWatch {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

interface SourceWatchesOptions {
  readonly configuration: AgentConfiguration;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Called when there is something to report. */
  readonly changed: () => void;
}

/** Watches the sources of migrations that have committed, for as long as the control plane wants it. */
export class SourceWatches {
  readonly #options: SourceWatchesOptions;
  readonly #running = new Map<string, RunningWatch>();
  readonly #states = new Map<string, SourceWatchState>();

  constructor(options: SourceWatchesOptions) {
    this.#options = options;
  }

  /**
   * Begins the watches that are new, from where the control plane knows them, and ends those that are no longer wanted.
   */
  setWanted(wanted: readonly WantedWatch[]): void {
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, { stop }] of this.#running) {
      if (ids.has(id)) continue;
      stop.abort();
      this.#running.delete(id);
      this.#states.delete(id);
    }
    for (const watch of wanted) if (!this.#running.has(watch.id)) this.#begin(watch);
  }

  reports(): Report['watches'] {
    return [...this.#states].map(([id, watch]) => ({ id, watch }));
  }

  /** Ends all watches. Another process resumes them. */
  async stopAll(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort();
    await Promise.all(running.map(({ ended }) => ended));
  }

  #begin({ id, source, watch: state }: WantedWatch): void {
    const { configuration, clock } = this.#options;
    const logger = this.#options.logger.child({ migrationId: id });
    const stop = new AbortController();
    const save = async (next: SourceWatchState) => {
      if (stop.signal.aborted) return;
      this.#states.set(id, next);
      this.#options.changed();
    };
    try {
      const address = sourceAddress(configuration, source);
      const watch = new SourceWatch({ migrationId: id, source: address, state, save, logger, clock });
      this.#running.set(id, { stop, ended: watch.run(stop.signal) });
    } catch (error) {
      this.#running.set(id, { stop, ended: save({ ...state, ended: messageOf(error) }) });
    }
  }
}
