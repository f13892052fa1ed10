import { dateOf, inWords, type PhaseTime } from '../../contract/index.ts';
import { type Clock, traceWork } from '../../platform/index.ts';
import {
  type CutoverEvent,
  type CutoverStep,
  cutoverStepOf,
  type MigrationEvent,
  stateAfter,
  stepAfter,
} from './migration-lifecycle.ts';
import type { CutoverRecord, MigrationRecord } from './records.ts';
import type { RetryingCheckpointStore } from './retrying-checkpoint-store.ts';

/** Fields that each event of a cutover always writes. */
const EFFECTS: Readonly<Record<CutoverEvent, Partial<CutoverRecord>>> = {
  begun: { rehearsing: false },
  'rehearsal begun': { rehearsing: true },
  'block announced': { blocking: true },
  'block set': {},
  'source opened': { blocking: false },
  committed: { committed: true },
  'destination opened': {},
  'late writes counted': {},
};

/** The phase of the report that begins with an event. */
const PHASES: Readonly<Record<MigrationEvent, PhaseTime['name'] | 'same' | 'none'>> = {
  'preparation begun': 'PREPARING',
  'copy begun': 'COPYING',
  'caught up': 'FOLLOWING',
  paused: 'same',
  'copy resumed': 'same',
  'tail resumed': 'same',
  'cutover begun': 'CUTOVER',
  'cutover postponed': 'FOLLOWING',
  'finish resumed': 'none',
  finished: 'none',
  cancelled: 'none',
  failed: 'same',
};

type Facts = Omit<MigrationRecord, '_id' | 'schema' | 'term' | 'state' | 'cutover' | 'failbackClosedBy' | 'error'>;

/** The migration's own record, in memory and on the destination. The engine always writes it before it acts on it. */
export class MigrationLog {
  readonly #checkpoint: RetryingCheckpointStore;
  readonly #clock: Clock;
  #record: MigrationRecord;
  #step: CutoverStep;
  /** Serialises writers of the cutover's record: each replaces the whole. */
  #cutoverTurn: Promise<void> = Promise.resolve();
  #commitWasSent = false;
  /**
   * The claim with which this engine opens a source that an earlier engine has left blocked; undefined when it hasn't
   * begun to. Must be noted before the claim is made, which may succeed without an answer. It is in memory only: the next
   * engine claims the block anew.
   */
  settlingClaim: string | undefined;

  constructor(checkpoint: RetryingCheckpointStore, clock: Clock, record: MigrationRecord) {
    this.#checkpoint = checkpoint;
    this.#clock = clock;
    this.#record = record;
    this.#step = cutoverStepOf(record.cutover);
  }

  /** Whether a record of this migration is from before this run: then the destination was restored from an older backup. */
  isOlder(found: MigrationRecord | undefined): boolean {
    if (found === undefined) return false;
    return found.sessions.equals(this.#record.sessions) && found.term < this.#record.term;
  }

  get record(): MigrationRecord {
    return this.#record;
  }

  /** Writes fields other than the state and the cutover: those change by events. */
  async save(fields: Partial<Facts>): Promise<void> {
    await this.#save(fields);
  }

  async #save(fields: Partial<MigrationRecord>): Promise<void> {
    const dated = this.#dated(fields);
    await this.#checkpoint.save(dated);
    this.#record = { ...this.#record, ...dated };
  }

  /** Records the failure that ended the run: in memory at once, and on the destination if it can be reached. */
  async fail(error: NonNullable<MigrationRecord['error']>): Promise<void> {
    const phase = this.#currentPhase;
    await this.#saveLast({ state: stateAfter(this.#record.state, 'failed'), error });
    if (phase !== undefined) this.#trace(phase, true);
  }

  /** Records that the source is open after a failed run: in memory at once, and on the destination if it can be reached. */
  async sourceOpenedAfterFailure(): Promise<void> {
    const { cutover } = this.#record;
    if (cutover === undefined) return;
    this.#step = stepAfter(this.#step, 'source opened');
    await this.#saveLast({ cutover: { ...cutover, blocking: false } });
  }

  async #saveLast(fields: Partial<MigrationRecord>): Promise<void> {
    const dated = this.#dated(fields);
    this.#record = { ...this.#record, ...dated };
    await this.#checkpoint.unretried.save(dated);
  }

  /**
   * Removes the failure of an earlier run from the record, and the attempt to cut over in which it failed. A committed
   * cutover stays on record, because this run finishes it.
   */
  async forgetFailure(): Promise<void> {
    const { error: _, cutover, ...rest } = this.#record;
    const kept = cutover?.committed ? cutover : undefined;
    await this.#checkpoint.clearError(kept !== undefined);
    // rule: forget-failure-in-memory
    this.#record = { ...rest, ...(kept && { cutover: kept }) };
    this.#step = cutoverStepOf(kept);
  }

  /**
   * Changes the state, and the phases of the report with it. Nothing else changes the state.
   * @param fields  further fields of the record, which are written with the state
   * @throws Error for an event that can't happen in this state
   */
  async advance(event: MigrationEvent, fields: Partial<Facts> = {}): Promise<void> {
    const state = stateAfter(this.#record.state, event);
    const phase = this.#currentPhase;
    const phases = this.#phasesAfter(event);
    await this.#save({ ...fields, state, phases });
    if (phase !== undefined && !phases.includes(phase)) this.#trace(phase, false);
  }

  #trace({ name, startedAt }: PhaseTime, hasFailed: boolean): void {
    const attributes = { 'linkspan.migration.id': this.#record._id };
    traceWork({
      name: `migration ${inWords(name)}`,
      startedAtMs: Date.parse(startedAt),
      endedAtMs: this.#clock.now(),
      attributes,
      hasFailed,
    });
  }

  get #currentPhase(): PhaseTime | undefined {
    return this.#record.phases.findLast(({ endedAt }) => endedAt === undefined);
  }

  #phasesAfter(event: MigrationEvent): readonly PhaseTime[] {
    const { phases } = this.#record;
    const next = PHASES[event];
    const current = this.#currentPhase;
    if (next === 'same' || next === current?.name) return phases;
    const now = dateOf(this.#clock.now());
    const ended = phases.map((one) => (one === current ? { ...one, endedAt: now } : one));
    return next === 'none' ? ended : [...ended, { name: next, startedAt: now }];
  }

  /** Whether this engine has begun to record the cutover's commit: it may be on record even if no answer arrived. */
  get commitWasSent(): boolean {
    return this.#commitWasSent;
  }

  /**
   * Writes a step of the cutover. Must come before the engine does what the step announces.
   * @throws Error for an event that can't happen at this step
   */
  async advanceCutover(event: CutoverEvent, fields: Partial<CutoverRecord> = {}): Promise<void> {
    if (event === 'committed') this.#commitWasSent = true;
    const turn = this.#cutoverTurn.then(async () => {
      const step = stepAfter(this.#step, event);
      const before = this.#record.cutover ?? { requestedAtMs: this.#clock.now(), blocking: false, committed: false };
      await this.#save({ cutover: { ...before, ...fields, ...EFFECTS[event] } });
      this.#step = step;
    });
    this.#cutoverTurn = turn.catch(() => undefined);
    await turn;
  }

  /**
   * Notes in memory at once that the source is open, and records it when the destination can be reached.
   * @param after  an earlier write of this cutover that may be pending
   */
  async sourceOpened(after: Promise<void> | undefined): Promise<void> {
    if (this.#record.cutover !== undefined) {
      this.#record = { ...this.#record, cutover: { ...this.#record.cutover, blocking: false } };
    }
    await after;
    await this.advanceCutover('source opened');
  }

  #dated(fields: Partial<MigrationRecord>): Partial<MigrationRecord> {
    const enters = fields.state !== undefined && fields.state !== this.#record.state;
    return enters ? { ...fields, stateAtMs: this.#clock.now() } : fields;
  }
}
