import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome, Progress } from '../../src/contract/index.ts';
import type {} from '../../src/engine/index.ts';
import { messageOf, onFailpoint, UserError } from '../../src/platform/index.ts';
import type { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { RoundLog } from './round-log.ts';

const DEADLINE_MS = 90_000;
const HOLDS = 8;
const LONGEST_HOLD_MS = 900;
/** Named points between the first step of a cutover and its last. */
const POINTS = [
  'engine.cutover.about-to-block',
  'engine.cutover.source-blocked',
  'engine.cutover.drained',
  'engine.cutover.committed',
];

/** Relative frequency of each end. */
const ENDS = { commit: 3, cancel: 1, 'cancel in cutover': 4, 'stop in cutover': 3 } as const;

/** How a user ends a migration, in a process that runs several. */
export interface PlannedEnd {
  readonly how: keyof typeof ENDS;
  /** Time from its readiness to the request of its cutover, or to its cancellation. */
  readonly afterMs: number;
  /** Time from just before the write block to its cancellation or stop. */
  readonly inCutoverMs: number;
}

/** How a migration ended. `waits`: it reported what it waited for until it was cancelled. */
export type Ended = Exclude<Outcome, 'STOPPED'> | 'waits' | { readonly failed: string };

/** Returns a random end. @param how  random by default */
export function drawEnd(random: SeededRandom, how: PlannedEnd['how'] = random.weighted(ENDS)): PlannedEnd {
  return { how, afterMs: random.integer(1_200), inCutoverMs: random.integer(1_000) };
}

/** Returns random delays of cutovers at their named points, one for each time that a point is reached. */
export function drawHolds(random: SeededRandom): number[] {
  return Array.from({ length: HOLDS }, () => (random.next() < 0.4 ? 0 : random.integer(LONGEST_HOLD_MS)));
}

/** Delays the cutovers of this process at their named points. A point has one listener, so only one round may do this at a time. */
export function holdCutovers(holdsMs: readonly number[], log: RoundLog): Disposable {
  const left = [...holdsMs];
  const held = new DisposableStack();
  for (const point of POINTS) {
    const hold = async () => {
      const ms = left.shift() ?? 0;
      log.say(`${point}, held for ${ms} ms`);
      await delay(ms);
    };
    held.use(onFailpoint(point, hold));
  }
  return held;
}

/**
 * Brings a migration to its planned end.
 * @param start  starts or resumes it
 */
export async function driveToEnd(
  name: string,
  start: () => RunningMigration,
  { how, afterMs, inCutoverMs }: PlannedEnd,
  log: RoundLog,
): Promise<Ended> {
  await using running = start();
  const settled = end(name, running, log);
  if (!(await isReady(running))) return await settled;
  await delay(afterMs);
  if (how === 'cancel') return await cancel(name, running, settled, log);
  await askForCutover(running);
  log.say(`${name}: its cutover was requested`);
  if (how === 'commit') return await settled;
  await Promise.race([running.until('its block', ({ cutover }) => cutover?.blocking === true), settled]).catch(
    () => undefined,
  );
  await delay(inCutoverMs);
  if (how === 'cancel in cutover') return await cancel(name, running, settled, log);
  const outcome = await running.stop().catch(() => 'failed');
  log.say(`${name}: was stopped in its cutover: ${outcome}`);
  if (outcome !== 'STOPPED') return await settled;
  return await driveToEnd(name, start, { how: 'commit', afterMs, inCutoverMs }, log);
}

/** Waits for the end, and checks that a failure has an error code. */
async function end(name: string, running: RunningMigration, log: RoundLog): Promise<Ended> {
  const late = new AbortController();
  const deadline = delay(DEADLINE_MS, 'late' as const, { signal: late.signal, ref: false }).catch(
    () => 'late' as const,
  );
  try {
    const outcome = await Promise.race([running.outcome, deadline]);
    log.say(`${name}: ${outcome} ${told(running.progress)}`);
    if (outcome === 'STOPPED') return 'CANCELLED';
    if (outcome !== 'late') return outcome;
    if (running.progress.waiting.length === 0 && running.progress.notReadyReasons.length === 0)
      log.find(`${name} does not end, and reports no wait: ${JSON.stringify(running.progress)}`);
    await running.stop();
    return 'waits';
  } catch (error) {
    return failureOf(name, error, log);
  } finally {
    late.abort();
  }
}

/** Returns the code of a failure. A failure without a code, or with the code for bugs of Linkspan, is a finding. */
export function failureOf(name: string, error: unknown, log: RoundLog): { readonly failed: string } {
  const code = error instanceof UserError ? error.code : 'no code';
  log.say(`${name}: failed of ${code}: ${messageOf(error)}`);
  if (code === 'no code' || code === 'INTERNAL_ERROR')
    log.find(`${name} failed without a named error: ${error instanceof Error ? error.stack : error}`);
  return { failed: code };
}

async function cancel(name: string, running: RunningMigration, settled: Promise<Ended>, log: RoundLog): Promise<Ended> {
  log.say(`${name}: is cancelled`);
  // Too late for a committed migration; then its end shows that.
  await running.steering.cancel(false).catch((error: unknown) => log.say(`${name}: ${messageOf(error)}`));
  return await settled;
}

async function isReady(running: RunningMigration): Promise<boolean> {
  return await running.untilReady().then(
    () => true,
    () => false,
  );
}

/** Requests the cutover until it is accepted: the migration may be no longer ready. */
async function askForCutover({ steering, outcome }: RunningMigration): Promise<void> {
  const ask = () => {
    steering.cutOver();
    return true;
  };
  const asked = eventually(ask, { what: 'a moment in which the cutover can be requested', deadlineMs: DEADLINE_MS });
  await Promise.race([asked, outcome]).catch(() => undefined);
}

function told({ state, warnings, waiting, cutover }: Progress): string {
  return JSON.stringify({ state, warnings, waiting, cutover });
}
