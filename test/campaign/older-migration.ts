import { setTimeout as delay } from 'node:timers/promises';
import { cleanUp } from '../../src/engine/index.ts';
import { messageOf } from '../../src/platform/index.ts';
import type { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import type { ReplicaSet } from '../support/replica-set.ts';
import { failureOf } from './drive.ts';
import type { RoundLog } from './round-log.ts';

/** An engine writes its checkpoint every 5 s. `cleanup` considers an engine ended after 30 s without a write. */
const SILENT_MS = 31_000;
/** Time in which a resumed engine may cause damage. */
const BACK_FOR_MS = 6_000;

export const ACTS = ['clean up', 'clean up and drop', 'come back', 'cancel', 'cancel and drop'] as const;
export type Act = (typeof ACTS)[number];

/** A stopped or cancelled migration whose destination another one has taken. */
export interface OlderMigration {
  readonly migrationId: string;
  /** Resumes the migration. */
  readonly start: () => RunningMigration;
  readonly destination: ReplicaSet;
  readonly destinationUri: string;
}

/** Acts on an older migration like a user who does not know of the newer one. */
export async function actOnOlder(older: OlderMigration, act: Act, log: RoundLog): Promise<void> {
  log.say(`the older migration: ${act}`);
  try {
    if (act === 'come back') await comeBack(older, log);
    else if (act === 'cancel' || act === 'cancel and drop') await cancel(older, act === 'cancel and drop');
    else await cleanUpAfter(older, act === 'clean up and drop');
    log.say(`the older migration: done, ${act}`);
  } catch (error) {
    failureOf(`${act} of the older migration`, error, log);
  }
}

async function cleanUpAfter(
  { migrationId, destination, destinationUri }: OlderMigration,
  drop: boolean,
): Promise<void> {
  const migrations = destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
  await migrations.updateOne({ _id: migrationId }, { $set: { savedAt: new Date(Date.now() - SILENT_MS) } });
  await cleanUp({ uri: destinationUri }, migrationId, { drop });
}

async function cancel({ start }: OlderMigration, drop: boolean): Promise<void> {
  await using running = start();
  await running.steering.cancel(drop);
  await running.outcome;
}

/** Runs its engine again, and requests its cutover as soon as it reports that it is ready. */
async function comeBack({ start }: OlderMigration, log: RoundLog): Promise<void> {
  await using running = start();
  const cutOver = () => {
    running.steering.cutOver();
    return true;
  };
  const asked = eventually(cutOver, { what: 'its cutover', deadlineMs: BACK_FOR_MS }).catch((error: unknown) => {
    log.say(`the older migration: ${messageOf(error)}`);
  });
  await Promise.race([asked.then(() => delay(BACK_FOR_MS, undefined, { ref: false })), running.outcome]);
  log.say(`the older migration is back: ${JSON.stringify(running.progress)}`);
  if (running.progress.state === 'COMMITTED') log.find('the older migration committed on a destination of another one');
}
