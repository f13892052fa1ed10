import { Slots } from '../engine/index.ts';
import type { Report } from '../link/index.ts';
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
  /** Called for each link that the host opens. */
  readonly linked: (link: StoredLink) => void;
}

/** How long unlinking waits until the control plane is notified. The notice is retried later. */
const TELL_WITHIN_MS = 5_000;

interface Running {
  readonly agent: Agent;
  readonly link: StoredLink;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Runs an agent that can be linked and unlinked while the process runs. Has at most one link at a time. */
export class MigrationHost {
  readonly #options: MigrationHostOptions;
  #running: Running | undefined;
  /** Runs one change of the link at a time. Otherwise the end of one link could delete the files of the next one. */
  readonly #linkChanges = new Slots(1);
  readonly #ending = new AbortController();
  #telling: Promise<unknown> = Promise.resolve();
  #changed = Promise.withResolvers<void>();

  constructor(options: MigrationHostOptions) {
    this.#options = options;
  }

  /**
   * Runs until the signal aborts. Without `opsManagerApi`, no one could link the host again, so it also ends with the link.
   * @param token  link-token of the first start
   * @throws UserError the errors of {@link establishLink} and {@link Agent.run}
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
    this.#notifyOfUnlinking();
    if (!waits || token !== undefined || AgentStore.existing(configuration.dataDir)?.link()) {
      const opening = this.#linkChanges.run(() => this.#open(token, signal));
      await opening.catch((error) => this.#afterStart(error, waits));
    }
    while (!signal.aborted) {
      const running = this.#running;
      if (running === undefined) await this.#changed.promise;
      else await running.ended.catch((error) => this.#afterEnd(running, error, waits));
    }
    await this.#end();
    await this.#telling;
  }

  /** The current link; undefined if there is none. */
  get current(): StoredLink | undefined {
    return this.#running?.link;
  }

  /** The migrations of the current link. */
  get migrations(): Report['migrations'] {
    return this.#running?.agent.migrations ?? [];
  }

  get isSynced(): boolean {
    return this.#running?.agent.isSynced ?? false;
  }

  /** Resolves when the control plane has a recent report of the current link, when there is no link, or when `limit` aborts. */
  async untilSynced(limit: AbortSignal): Promise<void> {
    await this.#running?.agent.untilSynced(limit);
  }

  /**
   * Redeems a link-token, after an unlinking that has begun. Does nothing if the token belongs to the current link.
   * @param withinMs  time limit, counted from the end of that unlinking
   * @throws UserError MIGRATION_LINK_EXISTS, and the errors of {@link establishLink}
   */
  async link(token: string, withinMs: number): Promise<void> {
    await this.#linkChanges.run(async () => {
      const { current } = this;
      if (current && !token.trim().startsWith(`mlt_${current.tokenId}_`)) {
        throw new UserError('MIGRATION_LINK_EXISTS', [current.orgId, current.serverUrl]);
      }
      await this.#open(token, AbortSignal.timeout(withinMs));
    });
  }

  /**
   * Stops every migration with a checkpoint, deletes the link, and notifies the control plane. A link that is made meanwhile waits for this.
   * @returns false if there was no link
   */
  async unlink(): Promise<boolean> {
    // rule: one-link-change-at-a-time
    return await this.#linkChanges.run(() => this.#retire());
  }

  /** Opens the stored link, or redeems a link-token. Call it only in a turn of `#linkChanges`. */
  async #open(token: string | undefined, signal: AbortSignal): Promise<void> {
    const { configuration, logger, clock, linked } = this.#options;
    const { dataDir, host, plainHttp } = configuration;
    const { client, link } = await establishLink({ dataDir, host, token, plainHttp, clock }, signal);
    if (this.#running?.link.linkId === link.linkId) return;
    await this.#end();
    const agent = new Agent({ configuration, client, logger, clock });
    const stop = new AbortController();
    const ended = agent.run(stop.signal);
    // `run()` handles the rejection later.
    ended.catch(() => undefined);
    this.#running = { agent, link, stop, ended };
    linked(link);
    this.#change();
  }

  /** Ends the current link. Call it only in a turn of `#linkChanges`. */
  async #retire(): Promise<boolean> {
    const link = this.current;
    await this.#end();
    if (!link) return false;
    const { dataDir } = this.#options.configuration;
    new AgentStore(dataDir).retireLink(link.linkId);
    new CutoverNotes(dataDir).note([]);
    const notice = this.#notifyOfUnlinking();
    // Waits for the notice, so that the host can be linked again at once if the control plane is reachable.
    await this.#options.clock.sleep(TELL_WITHIN_MS, notice);
    return true;
  }

  /** @returns a signal that aborts when the control plane has been notified, or when this process ends */
  #notifyOfUnlinking(): AbortSignal {
    const notified = new AbortController();
    const { configuration, logger, clock } = this.#options;
    const telling = tellOfUnlinking(configuration, { logger, clock }, this.#ending.signal)
      .catch((error) =>
        logger.error(
          { event: 'agent.unlink_not_reported', err: error },
          'cannot notify the control plane that this host was unlinked',
        ),
      )
      .finally(() => notified.abort());
    this.#telling = Promise.all([this.#telling, telling]);
    return notified.signal;
  }

  async #end(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stop.abort();
    await running?.ended.catch(() => undefined);
  }

  /** Ignores a used token: the token of an ended link may still be in a service's environment. */
  #afterStart(error: unknown, waits: boolean): void {
    if (!waits || !(error instanceof UserError) || error.code !== 'LINK_TOKEN_USED') throw error;
    this.#options.logger.warn(
      { event: 'agent.awaits_link', code: error.code },
      `${error.message} Waiting to be linked`,
    );
  }

  #afterEnd(running: Running, error: unknown, waits: boolean): void {
    if (!waits || !(error instanceof UserError)) throw error;
    if (this.#running !== running) return;
    this.#options.logger.warn(
      { event: 'agent.awaits_link', code: error.code },
      `${error.message} Waiting to be linked again`,
    );
    this.#running = undefined;
    new AgentStore(this.#options.configuration.dataDir).forgetLink();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
