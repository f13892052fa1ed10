import { type Clock, type Logger, UserError } from '../platform/index.ts';
import { Agent } from './agent.ts';
import { AgentStore, type StoredLink } from './agent-store.ts';
import type { AgentConfiguration } from './configuration.ts';
import { CutoverNotes } from './cutover-notes.ts';
import { establishLink } from './establish-link.ts';
import { tellOfUnlinking } from './unlink-notice.ts';

export interface MigrationHostOptions {
  readonly configuration: AgentConfiguration;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Is told of each link that is taken up. */
  readonly linked: (link: StoredLink) => void;
}

/** How long unlinking waits for the control plane. What it was not told by then, it is told later. */
const TELL_WITHIN_MS = 5_000;

interface Running {
  readonly agent: Agent;
  readonly link: StoredLink;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** An agent that can be linked and unlinked while its process runs: one link at a time. */
export class MigrationHost {
  readonly #options: MigrationHostOptions;
  #running: Running | undefined;
  readonly #ending = new AbortController();
  #telling: Promise<unknown> = Promise.resolve();
  #changed = Promise.withResolvers<void>();

  constructor(options: MigrationHostOptions) {
    this.#options = options;
  }

  /**
   * Runs until the signal aborts, or until the link ends where nobody could link it again (no `opsManagerApi`).
   * @param token  for the first start
   * @throws UserError as {@link establishLink} and {@link Agent.run}
   */
  async run(token: string | undefined, signal: AbortSignal): Promise<void> {
    const { configuration } = this.#options;
    const waits = configuration.opsManagerApi !== undefined;
    signal.addEventListener('abort', () => {
      this.#running?.stop.abort();
      this.#ending.abort();
      this.#change();
    });
    if (signal.aborted) this.#ending.abort();
    this.#tellOfUnlinking();
    if (!waits || token !== undefined || AgentStore.existing(configuration.dataDir)?.link()) {
      await this.link(token, signal).catch((error) => this.#afterStart(error, waits));
    }
    while (!signal.aborted) {
      const running = this.#running;
      if (running === undefined) await this.#changed.promise;
      else await running.ended.catch((error) => this.#afterEnd(running, error, waits));
    }
    await this.#end();
    await this.#telling;
  }

  /** The link, while there is one. */
  get current(): StoredLink | undefined {
    return this.#running?.link;
  }

  get isSynced(): boolean {
    return this.#running?.agent.isSynced ?? false;
  }

  /**
   * Takes up the stored link, or redeems a link-token. The token of the link that there is changes nothing.
   * @throws UserError MIGRATION_LINK_EXISTS, and as {@link establishLink}
   */
  async link(token: string | undefined, signal: AbortSignal): Promise<void> {
    const { configuration, logger, clock, linked } = this.#options;
    const { dataDir, host, plainHttp } = configuration;
    const { client, link } = await establishLink({ dataDir, host, token, plainHttp, clock }, signal);
    if (this.#running?.link.linkId === link.linkId) return;
    await this.#end();
    const agent = new Agent({ configuration, client, logger, clock });
    const stop = new AbortController();
    const ended = agent.run(stop.signal);
    // Whoever runs this host looks at it later.
    ended.catch(() => undefined);
    this.#running = { agent, link, stop, ended };
    linked(link);
    this.#change();
  }

  /** Stops every migration with a checkpoint, forgets the link, and has the control plane told. @returns false where there was none */
  async unlink(): Promise<boolean> {
    const wasLinked = this.#running !== undefined;
    await this.#end();
    if (!wasLinked) return false;
    const { dataDir } = this.#options.configuration;
    new AgentStore(dataDir).retireLink();
    new CutoverNotes(dataDir).note([]);
    const telling = this.#tellOfUnlinking();
    // So that the host can be linked again right away, where the control plane is there.
    await this.#options.clock.sleep(TELL_WITHIN_MS, telling);
    return true;
  }

  /** @returns a signal that aborts when the control plane was told, or this process ends */
  #tellOfUnlinking(): AbortSignal {
    const told = new AbortController();
    const { configuration, logger, clock } = this.#options;
    const telling = tellOfUnlinking(configuration, { logger, clock }, this.#ending.signal)
      .catch((error) => logger.error({ err: error }, 'the control plane cannot be told that this host was unlinked'))
      .finally(() => told.abort());
    this.#telling = Promise.all([this.#telling, telling]);
    return told.signal;
  }

  async #end(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stop.abort();
    await running?.ended.catch(() => undefined);
  }

  /** The token of a link that was ended may still be in a service's environment. */
  #afterStart(error: unknown, waits: boolean): void {
    if (!waits || !(error instanceof UserError) || error.code !== 'LINK_TOKEN_USED') throw error;
    this.#options.logger.warn({ code: error.code }, `${error.message} Waiting to be linked`);
  }

  #afterEnd(running: Running, error: unknown, waits: boolean): void {
    if (!waits || !(error instanceof UserError)) throw error;
    if (this.#running !== running) return;
    this.#options.logger.warn({ code: error.code }, `${error.message} Waiting to be linked again`);
    this.#running = undefined;
    new AgentStore(this.#options.configuration.dataDir).forgetLink();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
