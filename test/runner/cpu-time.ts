import { readFileSync } from 'node:fs';
import { runningProcesses } from '../support/process-status.ts';

/** Clock ticks of `/proc` in a second: Linux shows 100 to all programs. */
const TICKS_PER_SECOND = 100;
/** In `/proc/PID/stat`, counted from the field after the name: the parent, and user and system time of the process and of children that ended. */
const PARENT = 1;
const TIMES = [11, 12, 13, 14];

/**
 * Returns the processor time that a process and its descendants have used until now, in seconds: those that run, and those that ended and
 * were waited for by their parents. 0 where there is no `/proc`.
 */
export function cpuSeconds(pid = process.pid): number {
  const children = new Map<number, { readonly pid: number; readonly ticks: number }[]>();
  for (const each of runningProcesses()) {
    const fields = statOf(each);
    if (fields === undefined) continue;
    const ticks = TIMES.reduce((sum, n) => sum + Number(fields[n]), 0);
    const parent = Number(fields[PARENT]);
    children.set(parent, [...(children.get(parent) ?? []), { pid: each, ticks }]);
    if (each === pid) children.set(-1, [{ pid, ticks }]);
  }
  const ticksBelow = (parent: number): number =>
    (children.get(parent) ?? []).reduce((sum, child) => sum + child.ticks + ticksBelow(child.pid), 0);
  return ticksBelow(-1) / TICKS_PER_SECOND;
}

function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined; // It has ended.
  }
}
