import type { Timestamp } from 'mongodb';
import { messageOf } from '../../platform/index.ts';
import { orAbort } from '../concurrency/unless-aborted.ts';
import { writeBarrier } from '../mongodb/cluster-time.ts';
import type { Clusters, Pace } from '../records/context.ts';
import { LagMeter, type LagReading, type Moment } from './lag-meter.ts';

/** How far the stream is. */
interface ProbedStream {
  /** Whether everything up to a time is on the destination or in the spool, unstreamed writes included. */
  hasApplied(time: Timestamp): boolean;
  /** Whether everything up to a time is also compared; the same as `hasApplied` without verification. */
  hasCompared(time: Timestamp): boolean;
  /** The time of the source's last answer, and that up to which all is applied; undefined before the first answer. */
  times(): { readonly source: Timestamp; readonly applied: Timestamp } | undefined;
}

interface Barrier {
  readonly time: Timestamp;
  readonly sent: Moment;
}

/** A barrier is one small entry in the source's oplog, and a fifth of the limit shows a lag soon enough. */
const EVERY_MS = 2_000;
/** While the lag isn't known yet, a barrier follows the one that was passed: a new migration need not wait long. */
const EVERY_AT_FIRST_MS = 100;
/** Without any lag, the last barrier that was passed is as old as this, in whole seconds. */
const ORDINARY_SECONDS = 4;
const LOOK_AGAIN_AFTER_MS = 250;
/** A stream that is far behind has many barriers ahead. Some of them measure it as well as all. */
const MOST_AHEAD = 64;

/** Sends barriers to the source, and measures how long the stream takes to pass them. */
export class LagProbe {
  readonly #context: Clusters & Pace;
  readonly #applied: Ahead;
  readonly #compared: Ahead;
  readonly #times: ProbedStream['times'];
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #closings: number;
  #whyUnanswered: string | undefined;

  constructor(context: Clusters & Pace, stream: ProbedStream) {
    this.#context = context;
    this.#times = () => stream.times();
    this.#closings = context.gate.closings;
    const now = () => ({ elapsedMs: context.clock.elapsed(), wallMs: context.clock.now() });
    this.#applied = new Ahead((time) => stream.hasApplied(time), now);
    this.#compared = new Ahead((time) => stream.hasCompared(time), now);
  }

  /** The lag of applied changes. */
  get applied(): LagReading {
    this.#notePause();
    return this.#applied.read();
  }

  /** The lag of compared changes. */
  get compared(): LagReading {
    this.#notePause();
    return this.#compared.read();
  }

  /** Whole seconds behind the source; null before its first answer. */
  get lagSeconds(): number | null {
    const times = this.#times();
    if (times === undefined) return null;
    const behind = times.source.getHighBits() - times.applied.getHighBits();
    const age = Math.floor(this.applied.awakeMs / 1_000);
    return Math.max(0, behind, age > ORDINARY_SECONDS ? age : 0);
  }

  /** Why the source did not acknowledge the last barrier; undefined when it did. */
  get whyUnanswered(): string | undefined {
    return this.#whyUnanswered;
  }

  /** Measures until the stream ends. */
  async run(): Promise<void> {
    const { clock, gate, signal } = this.#context;
    while (!signal.aborted) {
      if (gate.closed) {
        await gate.pass(signal);
        this.#resume();
      }
      this.#notePause();
      this.#applied.note();
      this.#compared.note();
      if (clock.elapsed() - this.#sentAtMs >= this.#everyMs) await this.#send();
      else await clock.sleep(this.#applied.isNew ? EVERY_AT_FIRST_MS : LOOK_AGAIN_AFTER_MS, signal);
    }
  }

  /** A pause may be too short for the loop to see it. */
  #notePause(): void {
    const { closings } = this.#context.gate;
    // rule: new-barriers-after-pause
    if (closings !== this.#closings) this.#resume();
    this.#closings = closings;
  }

  /** Forgets the measurements: a pause may be long, and they say nothing after it. */
  #resume(): void {
    this.#applied.resume();
    this.#compared.resume();
  }

  get #everyMs(): number {
    const { isNew, isEmpty } = this.#applied;
    return isNew && isEmpty && this.#whyUnanswered === undefined ? EVERY_AT_FIRST_MS : EVERY_MS;
  }

  /** A source that doesn't answer makes the lag grow. Other parts of the run report that they wait for it. */
  async #send(): Promise<void> {
    const { clock, source, signal } = this.#context;
    this.#sentAtMs = clock.elapsed();
    const sent = { elapsedMs: this.#sentAtMs, wallMs: clock.now() };
    try {
      const time = await orAbort(writeBarrier(source), signal);
      this.#whyUnanswered = undefined;
      this.#applied.add({ time, sent });
      this.#compared.add({ time, sent });
    } catch (error) {
      this.#whyUnanswered = messageOf(error);
    }
  }
}

/** The barriers that the stream hasn't passed, and the lag that those before them have shown. */
class Ahead {
  readonly #hasPassed: (time: Timestamp) => boolean;
  readonly #now: () => Moment;
  readonly #meter: LagMeter;
  #barriers: readonly Barrier[] = [];

  constructor(hasPassed: (time: Timestamp) => boolean, now: () => Moment) {
    this.#hasPassed = hasPassed;
    this.#now = now;
    this.#meter = new LagMeter(now());
  }

  get isEmpty(): boolean {
    return this.#barriers.length === 0;
  }

  get isNew(): boolean {
    return this.#meter.isNew;
  }

  read(): LagReading {
    this.note();
    return this.#meter.read(this.#now());
  }

  add(barrier: Barrier): void {
    const kept = this.#barriers.length < MOST_AHEAD ? this.#barriers : this.#barriers.filter((_, n) => n % 2 === 0);
    this.#barriers = [...kept, barrier];
  }

  resume(): void {
    this.#barriers = [];
    this.#meter.resume(this.#now());
  }

  /** Notes the barriers that were passed meanwhile. */
  note(): void {
    while (this.#barriers[0] !== undefined && this.#hasPassed(this.#barriers[0].time)) {
      this.#meter.passed(this.#barriers[0].sent, this.#now());
      this.#barriers = this.#barriers.slice(1);
    }
  }
}
