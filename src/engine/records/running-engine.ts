import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { UserError } from '../../platform/index.ts';
import type { MigrationRecord, RunningEngine } from './records.ts';

/** An engine that was silent for longer may be taken over. It writes its record every 5 s, so after this time three writes are missing. An election takes up to 12 s. */
export const ALIVE_WITHIN_MS = 20_000;

/** A migration whose source no engine reaches must not go from one to the next. */
const TAKEN_AGAIN_AFTER_MS = 10 * 60_000;

/** Describes this process as a running engine. @param startedAtMs  wall clock, in milliseconds since the epoch */
export function thisEngine(startedAtMs: number): RunningEngine {
  return { host: hostname(), pid: process.pid, place: placeOfProcess(), startedAtMs };
}

/** The engine that runs a migration, by its record. */
export interface Leader {
  readonly host: string;
  readonly pid: number;
  readonly startedAtMs: number;
  /** The time of its last write, by the destination's clock. */
  readonly wroteAtMs: number;
  /** The time since then, in milliseconds. */
  readonly silentMs: number;
  /** Whether it has written in time, so that no other engine may take the migration. */
  readonly isAlive: boolean;
  /** Whether it can't reach the source, and another engine may try. */
  readonly isCutOff: boolean;
}

/**
 * Returns the engine that runs a migration; undefined when none does: it has left, or it was of this host and its process
 * has ended.
 * @param nowMs  the time of the destination's clock, which also set `savedAt`
 */
export function leaderOf(record: MigrationRecord, nowMs: number): Leader | undefined {
  const { engine, savedAt, cutOff = false, cutOffTakenAt } = record;
  if (engine === undefined || isGone(engine)) return undefined;
  const { host, pid, startedAtMs } = engine;
  const wroteAtMs = savedAt?.getTime() ?? startedAtMs;
  const silentMs = Math.max(0, nowMs - wroteAtMs);
  // rule: no-hand-over-in-circles
  const isCutOff = cutOff && nowMs - (cutOffTakenAt?.getTime() ?? Number.NEGATIVE_INFINITY) >= TAKEN_AGAIN_AFTER_MS;
  return { host, pid, startedAtMs, wroteAtMs, silentMs, isAlive: silentMs <= ALIVE_WITHIN_MS, isCutOff };
}

/**
 * Refuses a migration that another engine has just written to, unless that one can't reach the source.
 * @param nowMs  as in {@link leaderOf}
 * @throws UserError ENGINE_RUNNING
 */
export function assertNotRunning(record: MigrationRecord, nowMs: number): void {
  const leader = leaderOf(record, nowMs);
  if (!leader?.isAlive || leader.isCutOff) return;
  const { host, pid, startedAtMs, silentMs } = leader;
  const since = new Date(startedAtMs).toISOString();
  throw new UserError('ENGINE_RUNNING', [record._id, String(pid), host, since, String(Math.round(silentMs / 1_000))]);
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
