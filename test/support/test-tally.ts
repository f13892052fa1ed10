import { relative } from 'node:path';
import { inspect } from 'node:util';

/** The fields of `run()`'s events (node:test) that the tally reads. */
export interface TestEvent {
  readonly type: string;
  readonly data?: {
    readonly name?: string;
    readonly file?: string;
    /** The test file; missing in the event about the whole file. */
    readonly entryFile?: string;
    readonly line?: number;
    /** 0 at the top. */
    readonly nesting?: number;
    readonly testId?: number;
    readonly parentId?: number;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly message?: string;
    readonly duration_ms?: number;
    /** Processor time of a file, with its children. */
    readonly cpuSeconds?: number;
    readonly details?: {
      readonly type?: string;
      readonly duration_ms?: number;
      readonly error?: Error & { readonly failureType?: string };
    };
  };
}

type EventData = NonNullable<TestEvent['data']>;

/** The results of one file. */
interface FileCounts {
  passed: number;
  skipped: number;
  readonly failed: { readonly name: string; readonly why: string }[];
}

/** A failed test. */
export interface Failure {
  /** Relative to the tally's root. */
  readonly file: string;
  readonly name: string;
  /** The error, and everything that its file wrote. */
  readonly output: string;
}

const EXPENSIVE_SHOWN = 10;

/** Counts tests (not suites or files), prints failures and skips at once, and collects data for the report at the end. */
export class TestTally {
  readonly #root: string;
  readonly #print: (text: string) => void;
  readonly #parents = new Set<string>();
  readonly #output = new Map<string, string>();
  readonly #costs: { readonly file: string; readonly seconds: number; readonly cpuSeconds: number }[] = [];
  readonly #files = new Map<string, FileCounts>();
  readonly #flaky: string[] = [];
  readonly #outputsOfFlaky: string[] = [];

  /** @param root paths are shown relative to it */
  constructor(root: string, print: (text: string) => void = console.log) {
    this.#root = root;
    this.#print = print;
  }

  get passed(): number {
    return this.#sum(({ passed }) => passed);
  }

  get failed(): number {
    return this.#sum(({ failed }) => failed.length);
  }

  get skipped(): number {
    return this.#sum(({ skipped }) => skipped);
  }

  get failures(): readonly Failure[] {
    return [...this.#files].flatMap(([path, { failed }]) =>
      failed.map(({ name, why }) => {
        const output = `${why}\n${this.#output.get(path) ?? ''}`;
        return { file: relative(this.#root, path), name, output };
      }),
    );
  }

  /** Absolute paths of the files with a failed test. */
  get failedFiles(): readonly string[] {
    return [...this.#files].filter(([, { failed }]) => failed.length > 0).map(([file]) => file);
  }

  /**
   * Takes the second run of a failed file. When all of it passed, it replaces the first one, and the report lists the failed tests as flaky,
   * with everything that the file wrote in both runs.
   */
  takeSecondRun(path: string, second: TestTally): void {
    const counts = second.#files.get(path);
    if (counts === undefined || second.failed > 0) return;
    const file = relative(this.#root, path);
    const { failed = [] } = this.#files.get(path) ?? {};
    this.#flaky.push(...failed.map(({ name }) => `flaky: ${file} › ${name}`));
    this.#outputsOfFlaky.push(
      `what ${file} wrote in its first run, which failed (see ✖ above):\n${this.#output.get(path) ?? ''}`,
      `what ${file} wrote in its second run, which passed:\n${second.#output.get(path) ?? ''}`,
    );
    this.#files.set(path, counts);
  }

  take({ type, data }: TestEvent): void {
    if (!data) return;
    if (type === 'test:stdout' || type === 'test:stderr') this.#keepOutput(data);
    // Events without a file contain the runner's own counts.
    if (type === 'test:diagnostic' && data.file) this.#print(`  ${this.#place(data)} says: ${data.message}`);
    if (type === 'test:summary' && data.file) this.#summarize(data);
    if (type === 'test:pass' || type === 'test:fail') this.#count(type === 'test:pass', data);
  }

  /** Returns the report: the files that cost most processor time, outputs and names of flaky tests, and as the last line `N passed, N failed, N skipped`. */
  report(): string {
    const expensive = this.#costs.toSorted((a, b) => b.cpuSeconds - a.cpuSeconds).slice(0, EXPENSIVE_SHOWN);
    const lines = expensive.map(
      ({ file, seconds, cpuSeconds }) => `  ${cpuSeconds.toFixed(1)} CPU-s, ${seconds.toFixed(1)} s  ${file}`,
    );
    return [
      '',
      'most expensive files:',
      ...lines,
      '',
      ...this.#outputsOfFlaky,
      ...this.#flaky,
      `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`,
    ].join('\n');
  }

  #count(passed: boolean, data: EventData): void {
    if (data.parentId) this.#parents.add(`${data.entryFile} ${data.parentId}`);
    const isFile = data.entryFile === undefined;
    const isParent = data.details?.type === 'suite' || this.#parents.has(`${data.entryFile} ${data.testId}`);
    if (passed && isFile) this.#fail(data, 'the file has no test');
    else if (!passed && data.details?.error?.failureType === 'subtestsFailed') return;
    else if (!passed) this.#fail(data, describe(data.details?.error));
    else if (isParent) return;
    else if (data.todo !== undefined) this.#fail(data, 'a test that is not written yet proves nothing');
    else if (typeof data.skip === 'string' && data.skip.trim() !== '') this.#skip(data, data.skip);
    else if (data.skip !== undefined) this.#fail(data, 'skipped without a reason');
    else this.#countsOf(data).passed++;
  }

  #fail(data: EventData, why: string): void {
    this.#countsOf(data).failed.push({ name: data.name ?? '', why });
    const output = data.entryFile === undefined ? (this.#output.get(data.file ?? '') ?? '') : '';
    this.#print(`✖ ${this.#place(data)} ${data.name}\n${why}\n${output}`);
  }

  #skip(data: EventData, reason: string): void {
    this.#countsOf(data).skipped++;
    this.#print(`﹣ ${this.#place(data)} ${data.name}: skipped, ${reason}`);
  }

  #countsOf({ entryFile, file = '' }: EventData): FileCounts {
    const path = entryFile ?? file;
    const counts = this.#files.get(path) ?? { passed: 0, skipped: 0, failed: [] };
    this.#files.set(path, counts);
    return counts;
  }

  #sum(of: (counts: FileCounts) => number): number {
    return [...this.#files.values()].reduce((sum, counts) => sum + of(counts), 0);
  }

  #place({ file = '', line = 0 }: EventData): string {
    return `${relative(this.#root, file)}:${line}`;
  }

  #keepOutput({ file = '', message = '' }: EventData): void {
    this.#output.set(file, (this.#output.get(file) ?? '') + message);
  }

  #summarize({ file: path = '', duration_ms = 0, cpuSeconds = 0 }: EventData): void {
    const file = relative(this.#root, path);
    const seconds = duration_ms / 1_000;
    this.#costs.push({ file, seconds, cpuSeconds });
    this.#print(`· ${file} (${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU-s)`);
  }
}

function describe(error: Error | undefined): string {
  // node:test wraps the error of the test.
  return inspect(error?.cause ?? error, { depth: 4 });
}
