import type { InventoryProject, Report } from '../link/index.ts';
import type { Clock } from '../platform/index.ts';
import type { LinkClient } from './link-client.ts';
import { type CurrentLists, MigrationLists } from './migration-lists.ts';

/** A change of state is reported at once. Changed numbers wait this long since the last report; without changes a report comes at the longer interval. */
const CHANGED_EVERY_MS = 1_000;
const UNCHANGED_EVERY_MS = 10_000;

/** Sources of the actual state to report. */
export interface Situation {
  validations(): Report['validations'];
  migrations(): Report['migrations'];
  /** The migrations that other engines have taken over. */
  takenOver(): Report['takenOver'];
  watches(): Report['watches'];
  standbys(): Report['standbys'];
  stopping(): Report['stopping'];
  /** The migrations that another host should continue, because this one can't reach one of their clusters. */
  cutOff(): Report['cutOff'];
  readonly maxMigrations?: number | undefined;
  /** The lists of the migrations. They are long, and only asked for when a report is due. */
  lists(): readonly CurrentLists[];
  /** Restarts migrations that other engines have taken over, because the control plane still wants them from this agent. */
  takeBack(ids: readonly string[]): void;
}

/** Decides when a report is due, and sends it. */
export class Reporter {
  readonly #client: Pick<LinkClient, 'report'>;
  readonly #situation: Situation;
  readonly #clock: Clock;
  readonly #lists: MigrationLists;
  #sequence: number;
  #inventory: readonly InventoryProject[] | undefined;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #sentStates = '';
  #sentNumbers = '';

  constructor(client: Pick<LinkClient, 'report'>, situation: Situation, clock: Clock) {
    this.#client = client;
    this.#situation = situation;
    this.#clock = clock;
    this.#lists = new MigrationLists(() => situation.lists());
    // Higher than in every earlier run, unless the clock was set back. The first answer then has the number to continue from.
    this.#sequence = clock.now();
  }

  /** Sends the inventory with the next report. */
  setInventory(inventory: readonly InventoryProject[]): void {
    this.#inventory = inventory;
  }

  /**
   * Sends a report if one is due.
   * @returns whether it sent one
   * @throws UserError the errors of {@link LinkClient.report}; the next call then sends everything again
   */
  async sendIfDue(signal: AbortSignal): Promise<boolean> {
    const validations = this.#situation.validations();
    const migrations = this.#situation.migrations();
    const takenOver = this.#situation.takenOver();
    const watches = this.#situation.watches();
    const standbys = this.#situation.standbys();
    const stopping = this.#situation.stopping();
    const cutOff = this.#situation.cutOff();
    const states = JSON.stringify([
      validations,
      migrations.map(({ id, progress, reversals, failback }) => [
        id,
        reversals,
        failback?.state,
        failback?.state === 'FOLLOWING' && failback.ready,
        progress.state,
        progress.readyForCutover,
        progress.canWrite,
        progress.cutover?.blocking,
        progress.cutoverAborted,
        progress.cutoverAttempts.at(-1)?.result,
      ]),
      takenOver,
      watches.map(({ id, watch }) => [id, watch.changes > 0, watch.ended]),
      standbys.map(({ id, record }) => [id, record]),
      stopping,
      cutOff,
    ]);
    const numbers = JSON.stringify([migrations, watches]);
    // The control plane gives the migration to this agent when it gets a report after its own limit.
    const isTakeOverDue = standbys.some(({ record }) => record === 'SILENT');
    const silentMs = this.#clock.elapsed() - this.#sentAtMs;
    const due =
      this.#inventory !== undefined ||
      states !== this.#sentStates ||
      ((numbers !== this.#sentNumbers || this.#lists.hasMore || isTakeOverDue) && silentMs >= CHANGED_EVERY_MS) ||
      silentMs >= UNCHANGED_EVERY_MS;
    if (!due) return false;

    const inventory = this.#inventory;
    this.#sequence += 1;
    const lists = this.#lists.next();
    const report = {
      sequence: this.#sequence,
      validations,
      migrations: migrations.map((entry) => ({ ...entry, ...(lists.has(entry.id) && { lists: lists.get(entry.id) }) })),
      takenOver,
      watches,
      standbys,
      stopping,
      cutOff,
      leaving: false,
      maxMigrations: this.#situation.maxMigrations,
      inventory: inventory && [...inventory],
    };
    const {
      sequence: seen,
      resendLists,
      takeBack,
    } = await this.#client.report(report, signal).catch((error: unknown) => {
      this.#lists.lose();
      throw error;
    });
    if (seen > report.sequence) {
      this.#lists.lose();
      // The control plane ignored the report, because its number is lower than one of an earlier run.
      this.#sequence = seen;
      return this.sendIfDue(signal);
    }
    this.#lists.acknowledge(resendLists);
    this.#situation.takeBack(takeBack);
    if (this.#inventory === inventory) this.#inventory = undefined;
    this.#sentAtMs = this.#clock.elapsed();
    this.#sentStates = states;
    this.#sentNumbers = numbers;
    return true;
  }

  /**
   * Sends the last report, with which the control plane gives the migrations to hosts that stand by for them.
   * @throws UserError the errors of {@link LinkClient.report}
   */
  async sendLast(signal: AbortSignal): Promise<void> {
    this.#sequence += 1;
    const nothing = { validations: [], migrations: [], takenOver: [], watches: [], standbys: [], cutOff: [] };
    const { stopping, maxMigrations } = this.#situation;
    await this.#client.report(
      { ...nothing, sequence: this.#sequence, stopping: stopping(), leaving: true, maxMigrations },
      signal,
    );
  }
}
