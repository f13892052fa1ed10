import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 1_000;
/**
 * Names of figures. Rates are over the last minute. `peakMegabytes` is the most resident memory of the process so far, `processorSeconds` are
 * those of all its processes, `recordsMegabytes` the size of `linkspan_internal` with its indexes on the destination's disk.
 */
type Name =
  | 'loadedBytes'
  | 'copiedBytes'
  | 'copiedDocuments'
  | 'comparedBytes'
  | 'copyBytesPerSecond'
  | 'compareBytesPerSecond'
  | 'lagSeconds'
  | 'rssMegabytes'
  | 'peakMegabytes'
  | 'heapMegabytes'
  | 'externalMegabytes'
  | 'processorSeconds'
  | 'processorMicrosPerDocument'
  | 'recordsMegabytes';

/** The figures of a phase at one moment. */
export interface Figures extends Partial<Readonly<Record<Name, number | null | undefined>>> {
  /** State and stage of the migration, as in `/progress`; absent while no process answers. */
  readonly state?: string | undefined;
  readonly stage?: string | undefined;
  /** Why the current direction can't cut over. */
  readonly reasons?: readonly string[] | undefined;
  readonly pausesMs?: readonly number[];
}

/** One line of `record.jsonl`. */
export interface Sample extends Figures {
  readonly time: string;
  readonly phase: string;
  readonly gigabytes: number;
}

/** Writes a line a second. Disposing writes the last one. */
export class Recorder implements AsyncDisposable {
  readonly #file: string;
  readonly #of: Pick<Sample, 'phase' | 'gigabytes'>;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Returns the figures of the moment. */
  look: () => Figures | Promise<Figures> = () => ({});

  constructor(file: string, of: Pick<Sample, 'phase' | 'gigabytes'>) {
    this.#file = file;
    this.#of = of;
    this.#running = this.#run();
  }

  add(figures: Figures): void {
    const sample: Sample = { time: new Date().toISOString(), ...this.#of, ...figures };
    appendFileSync(this.#file, `${JSON.stringify(sample)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let due = performance.now(); !signal.aborted; due = Math.max(due + EVERY_MS, performance.now())) {
      await delay(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => undefined);
      // A server that steps down, and an engine that was killed, answer nothing.
      this.add(await Promise.resolve(this.look()).catch(() => ({})));
    }
  }
}
