import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { type Clock, programBeside } from '../../platform/index.ts';

const PROGRAM = programBeside(import.meta.url, 'watchdog-process');

/** A migration that has been ready for less may be cut over at once, which starts a watchdog anyway. */
const READY_FOR_MS = 2_000;

/** A process that waits for its order, and ends when its standard input does. It doesn't keep this process alive. */
export type WatchdogProcess = ChildProcessByStdio<Writable, Readable, null>;

/**
 * A watchdog process that is started before a cutover, which would wait a second for it on a busy machine. All
 * migrations of this process share one; it ends when the last of them is disposed.
 */
export class SpareWatchdog implements Disposable {
  static #spare: WatchdogProcess | undefined;
  static readonly #users = new Set<SpareWatchdog>();
  readonly #clock: Clock;
  #readySinceMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts the spare process, unless there is one. Called repeatedly while the migration can be cut over. */
  keep(): void {
    const now = this.#clock.elapsed();
    this.#readySinceMs ??= now;
    if (now - this.#readySinceMs < READY_FOR_MS) return;
    SpareWatchdog.#users.add(this);
    SpareWatchdog.#spare ??= startProcess();
  }

  /** Returns the spare process, which is no longer one, or starts a process where there is none or it has ended. */
  static take(): WatchdogProcess {
    const spare = SpareWatchdog.#spare;
    SpareWatchdog.#spare = undefined;
    // rule: spare-watchdog-must-run
    return spare === undefined || hasEnded(spare) ? startProcess() : spare;
  }

  [Symbol.dispose](): void {
    SpareWatchdog.#users.delete(this);
    if (SpareWatchdog.#users.size > 0) return;
    SpareWatchdog.#spare?.stdin.end();
    SpareWatchdog.#spare = undefined;
  }
}

export function hasEnded({ exitCode, signalCode }: WatchdogProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function startProcess(): WatchdogProcess {
  const child = spawn(process.execPath, [PROGRAM], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache() },
  });
  // A watchdog that never started or ended early must not end this process, and this process doesn't wait for it at its
  // end.
  for (const part of [child, child.stdin]) part.on('error', () => undefined);
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) (pipe as Socket).unref();
  return child;
}

/** Returns the parent of this process's cache directory, which is named after the version of Node.js; undefined without a cache. */
function compileCache(): string | undefined {
  const directory = getCompileCacheDir();
  return directory && dirname(directory);
}
