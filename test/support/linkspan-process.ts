import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { spawnTracked } from './child-processes.ts';
import { eventually } from './eventually.ts';

/** The program to test: the compiled one in runs of all tests (test/run.ts), an installed one, else the checkout's sources. */
export function program({ env = {} }: RunOptions = {}): [string, ...string[]] {
  const named = env.LINKSPAN_TEST_PROGRAM ?? process.env.LINKSPAN_TEST_PROGRAM;
  const path = named ?? fileURLToPath(new URL('../../bin/linkspan', import.meta.url));
  return path.endsWith('.js') ? [process.execPath, path] : [path];
}

const LINE_DEADLINE_MS = 60_000;

export interface RunOptions {
  /** Additions to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Named point where it kills or stops itself, in the form of `LINKSPAN_TEST_FAILPOINT`: `name@2=kill`. */
  readonly hook?: string;
  /** Working folder; this process's by default. */
  readonly cwd?: string;
  /** Runs it in a terminal with this many columns; its `stdout` then contains both streams. See {@link noTerminal}. */
  readonly columns?: number;
}

/** The reason why this machine has no terminal for tests; false when it has one. */
export const noTerminal =
  spawnSync('script', ['--version']).error !== undefined && 'script of util-linux is not installed';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running `linkspan`; disposing kills its process group. */
export interface LinkspanProcess extends AsyncDisposable {
  readonly pid: number;
  /** Output so far. */
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
  /**
   * Returns the first line of stdout or stderr that matches, including earlier output.
   * @throws Error with all output after the deadline, or when the process ends without such a line
   */
  waitForLine(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>;
}

/** Runs `linkspan` with these arguments. */
export function runLinkspan(args: readonly string[], options: RunOptions = {}): LinkspanProcess {
  const ownWords: [string, ...string[]] = [...program(options), ...args];
  const [command, ...words] = options.columns ? inTerminal(options.columns, ownWords) : ownWords;
  const child = spawnTracked(`linkspan ${args[0]}`, command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    cwd: options.cwd,
    env: { ...ownEnvironment(), ...options.env, ...(options.hook ? { LINKSPAN_TEST_FAILPOINT: options.hook } : {}) },
  });
  const output = { stdout: '', stderr: '' };
  const lines: string[] = [];
  const collect = (stream: Readable | null, into: 'stdout' | 'stderr') => {
    if (!stream) throw new Error('a process without output');
    createInterface({ input: stream }).on('line', (line) => {
      output[into] += `${line}\n`;
      lines.push(line);
    });
  };
  collect(child.stdout, 'stdout');
  collect(child.stderr, 'stderr');
  let ended = false;
  // `close`, not `exit`, because all output has arrived by then.
  const exit = once(child, 'close').then(([code, signal]): Exit => {
    ended = true;
    return { code, signal };
  });
  exit.catch(() => undefined);
  const signalGroup = (signal: NodeJS.Signals) => {
    if (child.pid !== undefined && !ended) process.kill(-child.pid, signal);
  };
  return {
    pid: child.pid ?? 0,
    exit,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    kill: signalGroup,
    waitForLine: async (pattern, deadlineMs = LINE_DEADLINE_MS) => {
      const find = () => lines.map((line) => pattern.exec(line)).find((match) => match !== null);
      const what = `a line like ${pattern}`;
      await eventually(() => ended || find(), { deadlineMs, what }).catch(() => undefined);
      const match = find();
      if (match) return match;
      throw new Error(
        `${ended ? 'it ended' : `${deadlineMs} ms went by`} without ${what}; it wrote:\n${lines.join('\n')}`,
      );
    },
    [Symbol.asyncDispose]: async () => {
      signalGroup('SIGKILL');
      await exit;
    },
  };
}

/** This process's environment without colour settings: the test runner requests colours from its children. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR, NO_COLOR, CI, ...others } = process.env;
  return { ...others, TERM: 'xterm-256color' };
}

function inTerminal(columns: number, ownWords: readonly string[]): [string, ...string[]] {
  const words = ownWords.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  return ['script', '-qefc', `stty cols ${columns} rows 40; exec ${words}`, '/dev/null'];
}

/** Waits until a process has stopped itself at its named point. */
export async function untilStopped({ pid }: LinkspanProcess): Promise<void> {
  const isStopped = () => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  await eventually(isStopped, { what: 'the process to stop at the named point' });
}

/**
 * Waits until a process has killed itself at its named point.
 * @throws Error when it ended in another way: without reaching the point, the test would prove nothing
 */
export async function expectHookReached(linkspan: LinkspanProcess): Promise<void> {
  const { code, signal } = await linkspan.exit;
  if (signal === 'SIGKILL') return;
  throw new Error(`the named point was not reached: it ended with code ${code}\n${linkspan.stdout}${linkspan.stderr}`);
}
