import { readFileSync } from 'node:fs';
import type { Exit, LinkspanProcess } from '../support/linkspan-process.ts';

const DONE = 0;
export const FAILED = 1;
const STOPPED = 4;
/** It has committed, and says what was written to the source since. */
const DIFFERENCES = 3;

/** Returns the code in brackets at the end of the last line of a process. */
export function codeOf({ stderr }: LinkspanProcess): string {
  return [...stderr.matchAll(/\[([A-Z_]+)\]$/gm)].at(-1)?.[1] ?? 'no code';
}

/** Whether the process has reported progress, which it does once it owns the migration. */
export function hasItsPlace({ stdout }: LinkspanProcess): boolean {
  return /"state":"(?!CREATED)/.test(stdout);
}

/** Whether a process ended as expected after SIGTERM. Shortly after its start, or before its end, the signal itself ends it. */
export function endedWhenTold({ code, signal }: Exit): boolean {
  return code === STOPPED || code === DONE || code === DIFFERENCES || signal === 'SIGTERM';
}

/** Whether the process is stopped by a signal. */
export function isStopped(pid: number): boolean {
  try {
    // The fields after the name in brackets, which may contain any character.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .startsWith('T');
  } catch {
    return false;
  }
}

/** Whether a process of the process's group still runs. */
export function isThere(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}
