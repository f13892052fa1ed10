import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { UserError } from '../../platform/index.ts';
import type { MigrationRecord, RunningEngine } from './records.ts';

/** An engine writes its record every 5 s, so after this time at least five writes are missing. */
const ALIVE_WITHIN_MS = 30_000;

/** Describes this process as a running engine. @param startedAtMs  wall clock, in milliseconds since the epoch */
export function thisEngine(startedAtMs: number): RunningEngine {
  return { host: hostname(), pid: process.pid, place: placeOfProcess(), startedAtMs };
}

/**
 * Refuses a migration that another engine has just written to. An engine of this host whose process has ended doesn't count.
 * @param nowMs  the time of the destination's clock, which also set `savedAt`
 * @throws UserError ENGINE_RUNNING
 */
export function assertNotRunning({ _id, engine, savedAt }: MigrationRecord, nowMs: number): void {
  if (engine === undefined || isGone(engine)) return;
  const silentMs = Math.max(0, nowMs - (savedAt?.getTime() ?? engine.startedAtMs));
  if (silentMs > ALIVE_WITHIN_MS) return;
  const since = new Date(engine.startedAtMs).toISOString();
  const seconds = String(Math.round(silentMs / 1000));
  throw new UserError('ENGINE_RUNNING', [_id, String(engine.pid), engine.host, since, seconds]);
}

function isGone({ place, pid }: RunningEngine): boolean {
  if (place !== placeOfProcess()) return false;
  // A restarted container gives its process the same id.
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Linux names boots and process namespaces. Elsewhere the host has only one of each at a time. */
function placeOfProcess(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
