import type { Clock } from '../../platform/index.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { MigrationState, PhaseTime } from './migration-state.ts';
import type { CutoverRecord, MigrationRecord } from './records.ts';

/** The migration's own record, in memory and on the destination, always written before it is acted upon. */
export class MigrationLog {
  readonly #checkpoint: CheckpointStore;
  readonly #retrier: Retrier;
  readonly #clock: Clock;
  #record: MigrationRecord;
  /** Writers of parts of the cutover's record come one after the other: it is written whole. */
  #cutoverTurn: Promise<void> = Promise.resolve();
  #commitWasSent = false;

  constructor(checkpoint: CheckpointStore, retrier: Retrier, clock: Clock, record: MigrationRecord) {
    this.#checkpoint = checkpoint;
    this.#retrier = retrier;
    this.#clock = clock;
    this.#record = record;
  }

  get record(): MigrationRecord {
    return this.#record;
  }

  async save(fields: Partial<Omit<MigrationRecord, '_id' | 'schema' | 'term'>>): Promise<void> {
    const dated = this.#dated(fields);
    const retrier = this.#retrier;
    await retrier.run('the destination', () => retrier.expect('the destination', this.#checkpoint.save(dated)));
    this.#record = { ...this.#record, ...dated };
  }

  /** Writes the last word of a run that has ended, once, and knows it even when the destination can't be told. */
  async saveLast(fields: Partial<Omit<MigrationRecord, '_id' | 'schema' | 'term'>>): Promise<void> {
    const dated = this.#dated(fields);
    this.#record = { ...this.#record, ...dated };
    await this.#checkpoint.save(dated);
  }

  /**
   * Forgets the failure of an earlier run, and the attempt at a cutover in which it failed. One that was committed is finished: of that only the
   * failure is forgotten.
   */
  async forgetFailure(): Promise<void> {
    const { error: _, cutover, ...rest } = this.#record;
    const kept = cutover?.committed ? cutover : undefined;
    await this.#retrier.run('the destination', () => this.#checkpoint.clearError(kept !== undefined));
    this.#record = { ...rest, ...(kept && { cutover: kept }) };
  }

  /** Enters a state, and ends or begins phases of the report accordingly. */
  async enter(state: MigrationState, phase?: PhaseTime['name']): Promise<void> {
    const nowMs = this.#clock.now();
    const current = this.#record.phases.findLast(({ endedAtMs }) => endedAtMs === undefined);
    const ended = this.#record.phases.map((one) =>
      one === current && current.name !== phase ? { ...one, endedAtMs: nowMs } : one,
    );
    const phases =
      phase === undefined || current?.name === phase ? ended : [...ended, { name: phase, startedAtMs: nowMs }];
    await this.save({ state, phases });
  }

  /** Whether this engine has begun to put the cutover's commit on record, so that it may be there without its knowing. */
  get commitWasSent(): boolean {
    return this.#commitWasSent;
  }

  async saveCutover(fields: Partial<CutoverRecord>): Promise<void> {
    if (fields.committed) this.#commitWasSent = true;
    const turn = this.#cutoverTurn.then(async () => {
      const before = this.#record.cutover ?? { requestedAtMs: this.#clock.now(), blocking: false, committed: false };
      await this.save({ cutover: { ...before, ...fields } });
    });
    this.#cutoverTurn = turn.catch(() => undefined);
    await turn;
  }

  /** Knows at once what has happened to the cutover, and writes it down when the destination can be told. @param after  earlier words of it */
  async tellCutover(fields: Partial<CutoverRecord>, after: Promise<void> | undefined): Promise<void> {
    if (this.#record.cutover !== undefined)
      this.#record = { ...this.#record, cutover: { ...this.#record.cutover, ...fields } };
    await after;
    await this.saveCutover(fields);
  }

  #dated(fields: Partial<MigrationRecord>): Partial<MigrationRecord> {
    const enters = fields.state !== undefined && fields.state !== this.#record.state;
    return enters ? { ...fields, stateAtMs: this.#clock.now() } : fields;
  }
}
