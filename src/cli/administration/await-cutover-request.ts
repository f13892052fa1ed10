import { setTimeout as delay } from 'node:timers/promises';
import type { LiveMigration } from '../../atlas-api/index.ts';
import { UserError } from '../../platform/index.ts';
import type { Look, Values } from './command.ts';
import { refused } from './refusal.ts';
import { hasEnded, isLost } from './shown-migration.ts';
import { waitForCutover } from './wait-for.ts';

const LOOK_EVERY_MS = 250;
/** The request stays, and the migration shows its outcome. */
const WAIT_MS = 90_000;

/**
 * Waits until an abort or a rehearsal that `migration cutover` requested has ended, and with `--wait` until the cutover has.
 * @returns the migration then, with the report of a complete cutover; the first answer for a cutover that is not awaited
 * @throws UserError API_REFUSED with CUTOVER_COMMITTED when the cutover committed first
 */
export async function awaitCutoverRequest(look: Look, values: Values, first: unknown): Promise<unknown> {
  const { abort, dryRun, wait } = values;
  if (!abort && !dryRun) return wait ? await waitForCutover(look, values) : first;
  const deadlineMs = performance.now() + WAIT_MS;
  let migration = first as LiveMigration;
  while (performance.now() < deadlineMs && !(abort ? isAborted(migration) : isRehearsed(migration))) {
    if (abort && migration.status === 'COMPLETE') {
      const { message, code, remedy } = new UserError('CUTOVER_COMMITTED', [migration._id]);
      throw refused({ said: message, code }, remedy);
    }
    // A lost agent reports nothing. An operator who has to open a source by hand must not wait for it.
    if (hasEnded(migration) || isLost(migration)) break;
    await delay(LOOK_EVERY_MS);
    migration = (await look()) as LiveMigration;
  }
  return migration;
}

/** Whether no cutover was wanted, or its agent has aborted it. */
function isAborted({ status, linkspan: { cutoverAbort } }: LiveMigration): boolean {
  return status === 'WORKING' && (cutoverAbort?.isDone ?? true);
}

function isRehearsed({ linkspan: { rehearsalId, progress } }: LiveMigration): boolean {
  return progress?.cutoverAttempts?.some((one) => one.rehearsalId === rehearsalId && one.result !== undefined) ?? false;
}
