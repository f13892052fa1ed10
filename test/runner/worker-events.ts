import { createHash } from 'node:crypto';
import type { TestEvent } from '../support/test-tally.ts';

/** Longer than any file runs. A file that hangs is reported as failed. */
export const HANGS_AFTER_MS = 1_200_000;
/** Levels of a worker's tests: the outer one, files, and the tests of files. */
const OF_FILES = 1;

/** Returns the name of the file that marks a test file as taken by a worker. */
export function claimOf(file: string): string {
  return createHash('sha256').update(file).digest('hex');
}

/** Turns the events of a worker into those of its files, as if each had run in a process of its own. */
export class WorkerEvents {
  #file: string | undefined;
  #events: TestEvent[] = [];
  #tests = 0;
  #durationMs = 0;
  readonly #ended: string[] = [];

  /** The files that have ended. */
  get ended(): readonly string[] {
    return this.#ended;
  }

  /** Takes an event. Returns all of a file at its end, because the worker may die before it, and the file run again. */
  take({ type, data }: TestEvent): readonly TestEvent[] {
    const { nesting = OF_FILES + 1 } = data ?? {};
    // The summary is of the worker.
    if (data === undefined || nesting < OF_FILES || type === 'test:summary') return [];
    if (nesting > OF_FILES) this.#takeOfTest({ type, data });
    else if (type === 'test:start') this.#begin(data.name ?? '');
    else if (type === 'test:pass' || type === 'test:fail') this.#noteEnd({ type, data });
    else if (type === 'test:diagnostic') return this.#end(JSON.parse(data.message ?? '{}').cpuSeconds);
    return [];
  }

  /** Returns the events of the file that the worker died of, with a failure of the file. */
  takeUnfinished(file: string, why: string): readonly TestEvent[] {
    this.#file = file;
    this.#add('test:fail', { name: this.#file, details: { error: new Error(why) } });
    return this.#events.splice(0);
  }

  #begin(file: string): void {
    this.#file = file;
    this.#tests = 0;
  }

  #takeOfTest({ type, data }: Required<TestEvent>): void {
    if (type === 'test:pass' || type === 'test:fail') this.#tests += 1;
    if (type === 'test:stdout' || type === 'test:stderr') this.#add(type, { message: data.message });
    else this.#events.push({ type, data: { ...data, entryFile: this.#file ?? '' } });
  }

  /** Notes the failure of a file outside of its tests. Its diagnostic follows. */
  #noteEnd({ type, data }: Required<TestEvent>): void {
    this.#durationMs = data.details?.duration_ms ?? 0;
    const isOwnFailure = type === 'test:fail' && data.details?.error?.failureType !== 'subtestsFailed';
    if (isOwnFailure || this.#tests === 0) this.#add(type, { name: this.#file, details: data.details });
  }

  #end(cpuSeconds: number): readonly TestEvent[] {
    this.#add('test:summary', { duration_ms: this.#durationMs, cpuSeconds });
    if (this.#file !== undefined) this.#ended.push(this.#file);
    return this.#events.splice(0);
  }

  #add(type: string, data: TestEvent['data']): void {
    this.#events.push({ type, data: { ...data, file: this.#file, line: 1 } });
  }
}
