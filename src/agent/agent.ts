import { Changes, isCutOff } from '../engine/index.ts';
import type { Assignment, Report } from '../link/index.ts';
import { type Clock, type Logger, messageOf, systemClock } from '../platform/index.ts';
import { Backoff } from './backoff.ts';
import type { AgentConfiguration } from './configuration.ts';
import { CutoverNotes } from './cutover-notes.ts';
import { destinationAddress } from './destination-address.ts';
import { DigestWorkers, helperBy } from './digest-workers.ts';
import { Inventory } from './inventory.ts';
import type { LinkClient } from './link-client.ts';
import { MigrationOrders } from './migration-orders.ts';
import { MigrationRunner } from './migration-runner.ts';
import { endsLink } from './refusal.ts';
import { Reporter } from './reporter.ts';
import { sourceAddress } from './source-address.ts';
import { SourceWatches } from './source-watches.ts';
import { Standbys } from './standbys.ts';
import { Validator } from './validator.ts';

const POLL_WAIT_SECONDS = 30;
/** For the progress of migrations. Everything else wakes the agent at once. */
const LOOK_AGAIN_AFTER_MS = 250;
const INVENTORY_EVERY_MS = 60_000;
/** Far below the difference that the control plane refuses, far above network delays. */
const CLOCK_APART_MS = 60_000;
/** Allows for two missing reports. */
const SYNCED_FOR_MS = 25_000;
/** Timeouts for the last checkpoints, and for the last report. Service managers kill a process after 10 s or more. */
const STOP_WITHIN_MS = 7_500;
const LEAVE_WITHIN_MS = 1_500;

export interface AgentOptions {
  readonly configuration: AgentConfiguration;
  readonly client: Pick<
    LinkClient,
    'poll' | 'report' | 'clockAheadMs' | 'keysUnstored' | 'askForDigest' | 'workOnDigests'
  >;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/**
 * The migration host. It reads the wanted state with a long poll, applies it, and reports the actual state. While the control plane is
 * unreachable, it continues with the last wanted state.
 */
export class Agent {
  readonly #client: AgentOptions['client'];
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #inventory: Inventory;
  readonly #validator: Validator;
  readonly #runner: MigrationRunner;
  readonly #watches: SourceWatches;
  readonly #standbys: Standbys;
  readonly #reporter: Reporter;
  readonly #orders: MigrationOrders;
  readonly #digests: DigestWorkers;
  /** Announces results, ends of migrations, a new inventory, and reports that arrived. */
  readonly #changes: Changes;
  #isClockWrong = false;
  #areKeysUnstored = false;
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  #inventoryWantedAtMs: number | undefined;
  #lookAgain = new AbortController();

  constructor({ configuration, client, logger, clock = systemClock }: AgentOptions) {
    const optionsOf = (
      migrationId: string,
      { source, destination, dropDestination, reversible, usersAndRoles, digestsBy }: Assignment,
    ) => ({
      migrationId,
      source: { ...sourceAddress(configuration, source), compression: configuration.compression },
      destination: {
        ...destinationAddress(destination, configuration.allowedDestinations),
        compression: configuration.compression,
      },
      dropDestination,
      reversible,
      usersAndRoles,
      waitForClusters: true,
      // The control plane decides which agent runs a migration.
      takeOver: true,
      copyBytesPerSecond: configuration.copyBytesPerSecond,
      memoryBytes: configuration.memoryBytes,
      verification: configuration.verification,
      ...(digestsBy !== undefined && { digests: helperBy(client, migrationId, digestsBy) }),
      acceptUntriedVersion: configuration.acceptUntriedVersion,
      logger: logger.child({ migrationId }),
      clock,
    });
    this.#client = client;
    this.#logger = logger;
    this.#clock = clock;
    this.#inventory = new Inventory(configuration, logger);
    this.#changes = new Changes(clock);
    const changed = () => this.#changes.notify();
    this.#validator = new Validator(optionsOf, logger, changed);
    this.#runner = new MigrationRunner(optionsOf, logger, changed);
    this.#orders = new MigrationOrders(new CutoverNotes(configuration.dataDir), this.#runner, { logger, clock });
    this.#digests = new DigestWorkers(configuration.digests ?? [], { client, logger, clock });
    this.#watches = new SourceWatches({ configuration, logger, clock, changed });
    this.#standbys = new Standbys({ configuration, logger, clock, changed });
    const situation = {
      validations: () => this.#validator.results(),
      migrations: () => this.migrations,
      takenOver: () => this.#runner.takenOver(),
      watches: () => this.#watches.reports(),
      standbys: () => this.#standbys.reports(),
      stopping: () => this.#runner.stopping(),
      cutOff: () =>
        this.migrations.filter(({ progress }) => isCutOff(progress.waiting, clock.now())).map(({ id }) => id),
      maxMigrations: configuration.maxMigrations,
      lists: () => this.#runner.lists(),
      takeBack: (ids: readonly string[]) => this.#runner.takeBack(ids),
    };
    this.#reporter = new Reporter(client, situation, clock);
  }

  /** Whether the control plane has a recent report of this agent. */
  get isSynced(): boolean {
    return this.#clock.elapsed() - this.#reportedAtMs < SYNCED_FOR_MS;
  }

  /** All migrations, as it shows them to the control plane. */
  get migrations(): Report['migrations'] {
    return this.#orders.explain(this.#runner.reports());
  }

  /** Resolves when the control plane has a recent report, or when `limit` aborts. */
  async untilSynced(limit: AbortSignal): Promise<void> {
    while (!this.isSynced && !limit.aborted) await this.#changes.next(limit, SYNCED_FOR_MS);
  }

  /**
   * Runs until `signal` aborts or the link ends. Every migration then stops with a checkpoint. A migration that does not stop in time is not
   * awaited: its earlier checkpoints on the destination are enough to resume it.
   * @throws UserError LINK_DELETED, AGENT_SUPERSEDED or AGENT_UNKNOWN if the link has ended
   */
  async run(signal: AbortSignal): Promise<void> {
    const linkEnded = new AbortController();
    const ending = AbortSignal.any([signal, linkEnded.signal]);
    // The engine first settles a leftover write block, which must not wait for the control plane.
    this.#orders.resume();
    const end = (error: unknown) => linkEnded.abort(error);
    await Promise.all([
      this.#repeat(ending, this.#poller()).catch(end),
      this.#repeat(ending, () => this.#look(ending)).catch(end),
      this.#keepInventory(ending),
      this.#digests.run(ending),
    ]);
    this.#validator.setWanted([]);
    const allStopped = new AbortController();
    const parts = [this.#runner, this.#watches, this.#standbys];
    const stopping = Promise.all(parts.map((part) => part.stopAll())).finally(() => allStopped.abort());
    await Promise.race([stopping, this.#clock.sleep(STOP_WITHIN_MS, allStopped.signal)]);
    if (linkEnded.signal.aborted) {
      this.#orders.forget();
      throw linkEnded.signal.reason;
    }
    // Without it, a standby takes over after 20 s.
    await this.#reporter.sendLast(this.#clock.timeout(LEAVE_WITHIN_MS)).catch(() => undefined);
  }

  #poller(): (signal: AbortSignal) => Promise<void> {
    let revision: string | null = null;
    return async (signal) => {
      const wanted = await this.#client.poll({ revision, waitSeconds: POLL_WAIT_SECONDS }, signal);
      this.#watchKeys();
      this.#validator.setWanted(wanted.validations);
      this.#orders.setWanted(wanted.migrations);
      this.#watches.setWanted(wanted.watches);
      this.#standbys.setWanted(wanted.standbys);
      if (wanted.inventoryWantedAtMs !== this.#inventoryWantedAtMs) this.#lookAgain.abort();
      this.#inventoryWantedAtMs = wanted.inventoryWantedAtMs;
      // Last, so that a state that could not be applied is asked for again at once.
      revision = wanted.revision;
    };
  }

  async #look(signal: AbortSignal): Promise<void> {
    this.#watchClock();
    this.#orders.retry();
    this.#runner.advance();
    if (await this.#reporter.sendIfDue(signal)) {
      this.#reportedAtMs = this.#clock.elapsed();
      this.#changes.notify();
    }
    await this.#changes.next(signal, LOOK_AGAIN_AFTER_MS);
  }

  #watchKeys(): void {
    const reason = this.#client.keysUnstored?.message;
    const wereUnstored = this.#areKeysUnstored;
    this.#areKeysUnstored = reason !== undefined;
    if (this.#areKeysUnstored === wereUnstored) return;
    if (wereUnstored) this.#logger.info({ event: 'agent.keys_stored' }, 'the new keys of the control plane are stored');
    else
      this.#logger.warn(
        { event: 'agent.keys_unstored', reason },
        'cannot store the new keys of the control plane; orders are carried out, and the next poll tries again',
      );
  }

  #watchClock(): void {
    const aheadMs = this.#client.clockAheadMs ?? 0;
    const wasWrong = this.#isClockWrong;
    this.#isClockWrong = Math.abs(aheadMs) > CLOCK_APART_MS;
    if (this.#isClockWrong && !wasWrong) {
      const aheadSeconds = Math.round(aheadMs / 1000);
      this.#logger.warn(
        { event: 'agent.clock_skew', aheadSeconds },
        "this clock and the control plane's differ; from five minutes on, the control plane refuses requests",
      );
    }
  }

  async #keepInventory(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
    let reported = '';
    while (!signal.aborted) {
      this.#lookAgain = new AbortController();
      // Inspecting a cluster that does not answer takes longer than a service manager waits.
      const taken = await Promise.race([this.#inventory.take(), aborted]);
      const shown = JSON.stringify(taken);
      if (taken && shown !== reported) {
        this.#reporter.setInventory(taken);
        this.#changes.notify();
      }
      reported = shown;
      await this.#clock.sleep(INVENTORY_EVERY_MS, AbortSignal.any([signal, this.#lookAgain.signal]));
    }
  }

  /** Repeats `act` until the signal aborts. Backs off after consecutive failures. Rejects when the link has ended. */
  async #repeat(signal: AbortSignal, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const backoff = new Backoff();
    while (!signal.aborted) {
      try {
        await act(signal);
        if (backoff.failures > 0)
          this.#logger.info({ event: 'control_plane.reachable' }, 'the control plane answers again');
        backoff.succeeded();
      } catch (error) {
        if (signal.aborted) return;
        if (endsLink(error)) throw error;
        if (backoff.failures === 0)
          this.#logger.warn(
            { event: 'control_plane.unreachable', reason: messageOf(error) },
            'retrying until the control plane answers',
          );
        await this.#clock.sleep(backoff.failed(), signal);
      }
    }
  }
}
