import { readdirSync, readFileSync } from 'node:fs';

/** Returns the kernel's status of a process (see `proc(5)`); nothing when it has ended. */
export function statusOf(pid: number): string {
  return ofProcess(pid, 'status');
}

/** Returns the environment that a process was started with (see `proc(5)`); nothing when it has ended. */
export function environmentOf(pid: number): string {
  return ofProcess(pid, 'environ');
}

/** Returns the running children of a process. */
export function childrenOf(pid: number): number[] {
  const parentOf = (each: number) => Number(/^PPid:\s+(\d+)/m.exec(statusOf(each))?.[1]);
  return runningProcesses().filter((each) => parentOf(each) === pid);
}

/** Returns the ids of all running processes; none where there is no `/proc`. */
export function runningProcesses(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function ofProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
