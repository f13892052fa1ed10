import { readdirSync, readFileSync } from 'node:fs';

/** What the kernel says of a process, as in `proc(5)`; nothing when it has ended. */
export function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

/** The processes that one has started and that have not ended. */
export function childrenOf(pid: number): number[] {
  const parentOf = (each: number) => Number(/^PPid:\s+(\d+)/m.exec(statusOf(each))?.[1]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => parentOf(each) === pid);
}
