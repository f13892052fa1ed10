import type { Migrated } from '../collections/context.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import type { Pace, Records, Telling } from '../records/context.ts';
import { within } from '../records/within.ts';

const LOOK_AGAIN_AFTER_MS = 250;

/**
 * Runs a step of the write pause, and ends it once a collection waits for a user to repair it, or drops wait to be
 * confirmed. No user can repair the source while its writes are blocked, so the rest of the pause would be in vain.
 * @throws NotNow with the reason for the wait
 */
export async function unlessRefused<Context extends Records & Pace & Telling & Migrated>(
  context: Context,
  step: (context: Context) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const limited = within(context, over.signal);
  const refused = context.changes
    .until(() => refusalIn(context) !== undefined, limited.signal, LOOK_AGAIN_AFTER_MS)
    .then(() => over.abort(new NotNow(refusalIn(context) ?? 'a collection waited to be repaired')))
    .catch(() => undefined); // The step has ended.
  try {
    await step(limited);
  } finally {
    over.abort();
    await refused;
  }
}

function refusalIn({ tracked, drops }: Migrated): string | undefined {
  for (const { stuck, indexesStuck } of tracked.values()) {
    const refusal = stuck ?? indexesStuck;
    // rule: suspect-collection-ends-pause
    if (refusal !== undefined) return refusal.error.message;
  }
  return drops.wait?.reason;
}
