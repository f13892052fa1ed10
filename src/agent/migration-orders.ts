import { dateOf } from '../contract/index.ts';
import type { Report, WantedAgentState } from '../link/index.ts';
import { type Clock, type Logger, messageOf } from '../platform/index.ts';
import { type CutoverNotes, withWanted } from './cutover-notes.ts';
import type { MigrationRunner } from './migration-runner.ts';

type WantedMigration = WantedAgentState['migrations'][number];

/** The usual causes, a full or read-only disk, last longer. */
const RETRY_AFTER_MS = 1_000;

/**
 * Passes the wanted state of migrations on to the runner. Invariant: a cutover begins only after its note is durable. While the data
 * directory can't be written, new cutovers are held back, and all other orders are carried out.
 */
export class MigrationOrders {
  readonly #notes: CutoverNotes;
  readonly #runner: MigrationRunner;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #wanted: readonly WantedMigration[] = [];
  #carriedOut: readonly WantedMigration[] = [];
  /** Why the notes can't be written; undefined while they can. */
  #failure: { readonly reason: string; readonly sinceMs: number } | undefined;
  #retryAtMs = 0;

  constructor(
    notes: CutoverNotes,
    runner: MigrationRunner,
    { logger, clock }: { readonly logger: Logger; readonly clock: Clock },
  ) {
    this.#notes = notes;
    this.#runner = runner;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Resumes the migrations that an earlier run has noted, until the control plane answers. */
  resume(): void {
    this.#runner.setWanted(this.#notes.left());
  }

  /** Carries out the wanted state of the control plane. */
  setWanted(wanted: readonly WantedMigration[]): void {
    this.#wanted = wanted;
    this.#carryOut();
  }

  /** Must be called repeatedly: it begins held cutovers once their notes are written. */
  retry(): void {
    if (this.#failure !== undefined && this.#clock.elapsed() >= this.#retryAtMs) this.#carryOut();
  }

  /** Deletes the notes, because the link has ended. */
  forget(): void {
    this.#wanted = [];
    this.#note();
  }

  /** Adds the wait of each held cutover to the reports of the runner. */
  explain(reports: Report['migrations']): Report['migrations'] {
    const failure = this.#failure;
    if (failure === undefined) return reports;
    const { reason, sinceMs } = failure;
    const wait = { for: "the agent's data directory", since: dateOf(sinceMs), reason };
    return reports.map((report) => {
      if (!this.#isHeld(report.id)) return report;
      const { progress } = report;
      return { ...report, progress: { ...progress, waiting: [...progress.waiting, wait] } };
    });
  }

  #carryOut(): void {
    this.#note();
    const earlier = new Map(this.#carriedOut.map(({ id, order }) => [id, order.wanted]));
    this.#carriedOut = this.#wanted.map((migration) =>
      // rule: cutover-after-durable-note
      migration.order.wanted !== 'CUTOVER' || this.#notes.has(migration)
        ? migration
        : withWanted(migration, earlier.get(migration.id) ?? 'RUNNING'),
    );
    this.#runner.setWanted(this.#carriedOut);
  }

  #note(): void {
    try {
      this.#notes.note(this.#wanted);
      if (this.#failure !== undefined)
        this.#logger.info({ event: 'agent.data_writable' }, 'the notes of cutovers are written again');
      this.#failure = undefined;
    } catch (error) {
      const reason = messageOf(error);
      if (this.#failure === undefined)
        this.#logger.error(
          { event: 'agent.data_unwritable', reason },
          'cannot write the notes of cutovers; new cutovers wait, and other orders are carried out',
        );
      this.#failure = { reason, sinceMs: this.#failure?.sinceMs ?? this.#clock.now() };
      this.#retryAtMs = this.#clock.elapsed() + RETRY_AFTER_MS;
    }
  }

  #isHeld(id: string): boolean {
    const carriedOut = this.#carriedOut.find((migration) => migration.id === id);
    const held = carriedOut?.order.wanted;
    return this.#wanted.some((migration) => migration.id === id && migration.order.wanted !== held);
  }
}
