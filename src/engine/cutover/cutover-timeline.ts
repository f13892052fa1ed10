import { type CutoverAttempt, type CutoverStep, dateOf, type Wait } from '../../contract/index.ts';
import type { Clock } from '../../platform/index.ts';
import { type CutoverStepName, purposeOf } from '../records/cutover-attempt.ts';

/** Attempts that stay on record. */
const MOST_ATTEMPTS = 5;
/** Further steps of an attempt count as part of its last one. */
const MOST_STEPS = 60;
const LONGEST_REASON = 500;

/**
 * Where the time of a cutover goes. An attempt is a sequence of steps without a gap: a step ends at the moment at which
 * the next one begins.
 */
export class CutoverTimeline {
  readonly #clock: Clock;
  readonly #movesAccounts: boolean;
  #attempts: readonly CutoverAttempt[];
  /** The monotonic clock and the wall clock at one moment. */
  readonly #base: { readonly elapsedMs: number; readonly nowMs: number };

  /**
   * @param recorded  the attempts of earlier engines
   * @param movesAccounts  whether the migration includes users and roles
   */
  constructor(clock: Clock, recorded: readonly CutoverAttempt[] = [], movesAccounts = false) {
    this.#clock = clock;
    this.#movesAccounts = movesAccounts;
    this.#base = { elapsedMs: clock.elapsed(), nowMs: clock.now() };
    this.#attempts = recorded;
  }

  /** The last attempts, the current one included. */
  get attempts(): readonly CutoverAttempt[] {
    return this.#attempts;
  }

  /**
   * Begins an attempt, unless one is under way.
   * @param rehearsal  its id, if it is a rehearsal
   */
  want(rehearsal?: number): void {
    if (this.#current !== undefined) return;
    const number = (this.#attempts.at(-1)?.number ?? 0) + 1;
    const kind = rehearsal === undefined ? {} : { rehearsalId: rehearsal };
    const begun: CutoverAttempt = { number, ...kind, startedAt: dateOf(this.#nowMs), steps: [] };
    this.#attempts = [...this.#attempts, begun].slice(-MOST_ATTEMPTS);
    this.begin('readiness');
  }

  /** Ends an attempt of an engine that is gone. When it has committed, this engine continues it. */
  interrupt(committed: boolean): void {
    if (this.#current === undefined) return;
    if (committed) this.explain('its engine ended, and the next one repeated this step');
    else this.end('INTERRUPTED');
  }

  /**
   * Begins a step of the current attempt, and ends the one before. Repeating it only changes the reason, unless that
   * differs in more than its numbers.
   * @param reason  what it waits for; by default, the purpose of the step
   */
  begin(name: CutoverStepName, reason: string = purposeOf(name, this.#movesAccounts)): void {
    const current = this.#current;
    if (current === undefined) return;
    const last = current.steps.at(-1);
    const isSame = last?.name === name && withoutNumbers(last.reason) === withoutNumbers(shortened(reason));
    if (isSame || current.steps.length >= MOST_STEPS) {
      this.explain(reason);
      return;
    }
    const atMs = this.#nowMs;
    this.#change({
      steps: [...ended(current.steps, atMs), { name, startedAt: dateOf(atMs), reason: shortened(reason) }],
    });
  }

  /** Notes what the current step waits for. */
  waitFor({ for: what, reason }: Wait): void {
    this.explain(`waited for ${what}: ${reason}`);
  }

  /** Replaces the reason of the current step. */
  explain(reason: string): void {
    this.#changeStep((step) => ({ ...step, reason: shortened(reason) }));
  }

  /** Adds numbers to the current step. */
  count(counts: NonNullable<CutoverStep['counts']>): void {
    this.#changeStep((step) => ({ ...step, counts: { ...step.counts, ...counts } }));
  }

  /** The step that the current attempt is in. */
  get step(): string | undefined {
    return this.#current?.steps.at(-1)?.name;
  }

  /** Says that the current step took too long. */
  get notReached(): string {
    return `the end of the step "${this.step ?? 'readiness'}" was not reached in time`;
  }

  /** How long the latest step of this name took, in milliseconds; 0 while it is unknown. */
  took(name: CutoverStepName): number {
    return this.#current?.steps.findLast((one) => one.name === name)?.durationMs ?? 0;
  }

  /** Milliseconds since the beginning of the latest step of this name in the current attempt; 0 without one. */
  since(name: CutoverStepName): number {
    const step = this.#current?.steps.findLast((one) => one.name === name);
    return step === undefined ? 0 : this.#nowMs - Date.parse(step.startedAt);
  }

  /** Notes that users can write from here on. */
  noteOpen(): void {
    const stoppedMs = this.since('block');
    if (stoppedMs > 0 && this.#current?.stoppedMs === undefined) this.#change({ stoppedMs });
  }

  /** Ends the current attempt, and its last step. */
  end(
    result: NonNullable<CutoverAttempt['result']>,
    more: Pick<CutoverAttempt, 'reason' | 'stoppedMs' | 'wouldStopMs'> = {},
  ): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#change({ ...more, result, steps: ended(current.steps, this.#nowMs) });
  }

  get #current(): CutoverAttempt | undefined {
    const last = this.#attempts.at(-1);
    return last?.result === undefined ? last : undefined;
  }

  get #nowMs(): number {
    return Math.round(this.#base.nowMs + this.#clock.elapsed() - this.#base.elapsedMs);
  }

  #changeStep(change: (step: CutoverStep) => CutoverStep): void {
    const steps = this.#current?.steps;
    const last = steps?.at(-1);
    if (steps !== undefined && last !== undefined) this.#change({ steps: [...steps.slice(0, -1), change(last)] });
  }

  #change(fields: Partial<CutoverAttempt>): void {
    const current = this.#current;
    if (current !== undefined) this.#attempts = [...this.#attempts.slice(0, -1), { ...current, ...fields }];
  }
}

function ended(steps: readonly CutoverStep[], atMs: number): readonly CutoverStep[] {
  const last = steps.at(-1);
  if (last === undefined || last.durationMs !== undefined) return steps;
  // The wall clock may have been set back since an earlier engine began it.
  return [...steps.slice(0, -1), { ...last, durationMs: Math.max(0, atMs - Date.parse(last.startedAt)) }];
}

function shortened(reason: string): string {
  return reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON - 1)}…` : reason;
}

function withoutNumbers(reason: string): string {
  return reason.replace(/\d+/g, '');
}
