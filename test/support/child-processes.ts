import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cleanUpAtExit } from './exit-cleanup.ts';

/** Labels of all children that a test or the demo has started and that still run. */
const running = new Map<ChildProcess, string>();

const SETPRIV = '/usr/bin/setpriv';
const canFollowParentsDeath = process.platform === 'linux' && existsSync(SETPRIV);

/**
 * Starts a process that cannot outlive this one: it is killed when this process exits, for any reason. On Linux the kernel kills it
 * (even after SIGKILL); elsewhere an exit handler does.
 *
 * @param label    its name in the leak check
 * @param detached gives it its own process group, so that a signal to the group also reaches its children
 */
export function spawnTracked(
  label: string,
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const child = canFollowParentsDeath
    ? spawn(SETPRIV, ['--pdeathsig', 'KILL', '--', command, ...args], options)
    : spawn(command, args, options);
  running.set(child, label);
  const forget = cleanUpAtExit(() => killNow(child, options.detached === true));
  const ended = () => {
    running.delete(child);
    forget();
  };
  child.once('exit', ended);
  child.once('error', ended);
  return child;
}

/** Labels of the children that still run, for the leak check. */
export function runningChildren(): string[] {
  return [...running].map(([child, label]) => `${label} (process ${child.pid})`);
}

function killNow(child: ChildProcess, group: boolean): void {
  if (child.pid === undefined) return;
  try {
    process.kill(group ? -child.pid : child.pid, 'SIGKILL');
  } catch {
    // The process has already ended.
  }
}
