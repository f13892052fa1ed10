import type { MongoClient } from 'mongodb';
import { areReady } from '../../src/contract/index.ts';
import type { AcknowledgedWriter } from './acknowledged-writer.ts';
import type { EngineLives } from './engine-lives.ts';
import type { RoundLog } from './round-log.ts';

/** The limit of the lag, and the time from a write's acknowledgement to its note here. */
const APPLIED_AFTER_MS = 10_000 + 500;
const LOOK_EVERY_MS = 200;

/**
 * Checks a migration whenever it says that it is ready: everything that the source acknowledged more than 10 s before that moment must be
 * on the destination. Runs until the signal aborts.
 */
export async function checkReadiness(
  engine: EngineLives,
  { acknowledged, destination }: { readonly acknowledged: AcknowledgedWriter; readonly destination: MongoClient },
  log: RoundLog,
  over: AbortSignal,
): Promise<void> {
  let checked = 0;
  let checkedAtMs = 0;
  while (!over.aborted) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    const { latest, latestAtMs } = engine;
    if (latest === undefined || latestAtMs === checkedAtMs) continue;
    checkedAtMs = latestAtMs;
    if (latest.readyForCutover !== areReady(latest.readiness))
      log.find(`readyForCutover is ${latest.readyForCutover}, and its gates are ${JSON.stringify(latest.readiness)}`);
    if (!latest.readyForCutover) continue;
    // A fault of the destination is no lie of the engine.
    const missing = await acknowledged.missingOn(destination, latestAtMs - APPLIED_AFTER_MS).catch(() => []);
    if (missing.length > 0) log.find(`it is ready, and does not have: ${missing.slice(0, 3).join('; ')}`);
    checked += 1;
  }
  log.say(`readiness was checked ${checked} times`);
}
