import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Slots } from '../../src/engine/concurrency/slots.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** The parts of the source files that a test file executes. */
export interface Reach {
  /** Path from the root. */
  readonly test: string;
  readonly seconds: number;
  /** Whether its tests pass. */
  readonly passes: boolean;
  /** Ranges of offsets that were executed, by source file: begin, end, begin, end. */
  readonly files: Readonly<Record<string, readonly number[]>>;
}

/** The file that V8 writes at the end of a process for NODE_V8_COVERAGE: https://chromedevtools.github.io/devtools-protocol/v8/Profiler/. */
interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
    }[];
  }[];
}

/** Longer than any test file takes. */
const DEADLINE_MS = 400_000;

/**
 * Runs test files and returns the parts of the source files that each executes. Results stay in `node_modules/.cache` until a source file or
 * the test file changes.
 * @param root      the repository
 * @param tests     test files, paths from the root
 * @param sources   source files, paths from the root
 * @param parallel  number of test files at a time
 */
export async function reachOf(
  root: string,
  tests: readonly string[],
  sources: readonly string[],
  parallel: number,
): Promise<Reach[]> {
  const known = join(root, 'node_modules/.cache/reach', hashOf(root, sources));
  mkdirSync(known, { recursive: true });
  const slots = new Slots(parallel);
  return await Promise.all(
    tests.map(async (test) => {
      const kept = join(known, `${hashOf(root, [test])}.json`);
      if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as Reach;
      const reach = await slots.run(() => measure(root, test, sources));
      console.log(`· ${test} (${reach.seconds} s${reach.passes ? '' : ', fails'})`);
      if (reach.passes) writeFileSync(kept, JSON.stringify(reach));
      return reach;
    }),
  );
}

/** Whether the test file executes the offset of the source file. */
export function reaches({ files }: Reach, file: string, offset: number): boolean {
  const edges = files[file] ?? [];
  return edges.findLastIndex((edge) => edge <= offset) % 2 === 0;
}

function hashOf(root: string, files: readonly string[]): string {
  const texts = files.map((file) => readFileSync(join(root, file), 'utf8'));
  return createHash('sha256').update(texts.join('\0')).digest('hex');
}

async function measure(root: string, test: string, sources: readonly string[]): Promise<Reach> {
  using folder = temporaryFolder('coverage');
  const began = Date.now();
  const passes = await new Promise<boolean>((resolve) => {
    const env = { ...process.env, NODE_V8_COVERAGE: folder.path };
    const child = spawn(process.execPath, ['--test-force-exit', test], {
      cwd: root,
      env,
      stdio: 'ignore',
      timeout: DEADLINE_MS,
    });
    child.once('close', (code) => resolve(code === 0));
  });
  const seconds = Math.round((Date.now() - began) / 1_000);
  const byUrl = new Map(sources.map((file) => [pathToFileURL(join(root, file)).href, file]));
  const executed = new Map<string, Uint8Array>();
  for (const each of globSync('*.json', { cwd: folder.path })) {
    const coverage = JSON.parse(readFileSync(join(folder.path, each), 'utf8')) as Coverage;
    for (const { url, functions } of coverage.result) {
      const file = byUrl.get(url);
      if (file === undefined) continue;
      const ranges = functions.flatMap((each) => each.ranges);
      const length = Math.max(...ranges.map(({ endOffset }) => endOffset));
      const marks = executed.get(file) ?? new Uint8Array(length);
      executed.set(file, marks);
      mark(ranges, length).forEach((count, at) => {
        if (count > 0) marks[at] = 1;
      });
    }
  }
  return {
    test,
    seconds,
    passes,
    files: Object.fromEntries([...executed].map(([file, marks]) => [file, edgesOf(marks)])),
  };
}

/** Returns 1 for each executed offset. Inner ranges are shorter than those around them, and decide. */
function mark(ranges: Coverage['result'][number]['functions'][number]['ranges'], length: number): Uint8Array {
  const marks = new Uint8Array(length);
  const outermostFirst = ranges.toSorted((a, b) => b.endOffset - b.startOffset - (a.endOffset - a.startOffset));
  for (const { startOffset, endOffset, count } of outermostFirst) marks.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return marks;
}

/** Returns where runs of ones begin and end, in order. */
function edgesOf(marks: Uint8Array): number[] {
  const edges: number[] = [];
  let last = 0;
  for (const [at, value] of marks.entries()) {
    if (value !== last) edges.push(at);
    last = value;
  }
  if (last === 1) edges.push(marks.length);
  return edges;
}
