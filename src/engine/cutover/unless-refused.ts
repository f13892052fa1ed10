import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { UnconfirmedDrops } from '../collections/unconfirmed-drops.ts';
import type { Changes } from '../concurrency/changes.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { type ScopedParts, within } from '../records/within.ts';

/** The parts of a run that looking for refusals needs. */
export interface RefusalParts extends ScopedParts {
  readonly tracked: Map<string, TrackedCollection>;
  readonly drops: UnconfirmedDrops;
  readonly changes: Changes;
}

const LOOK_AGAIN_AFTER_MS = 250;

/**
 * Runs a step of the write pause, and ends it once a collection waits for a user to repair it, or drops wait to be
 * confirmed. No user can repair the source while its writes are blocked, so the rest of the pause would be in vain.
 * @throws NotNow with the reason for the wait
 */
export async function unlessRefused<Parts extends RefusalParts>(
  context: Parts,
  step: (parts: Parts) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const parts = within(context, over.signal);
  const refused = context.changes
    .until(() => refusalIn(context) !== undefined, parts.signal, LOOK_AGAIN_AFTER_MS)
    .then(() => over.abort(new NotNow(refusalIn(context) ?? 'a collection waited to be repaired')))
    .catch(() => undefined); // The step has ended.
  try {
    await step(parts);
  } finally {
    over.abort();
    await refused;
  }
}

function refusalIn({ tracked, drops }: RefusalParts): string | undefined {
  for (const { stuck, indexesStuck } of tracked.values()) {
    const refusal = stuck ?? indexesStuck;
    // rule: suspect-collection-ends-pause
    if (refusal !== undefined) return refusal.error.message;
  }
  return drops.wait?.reason;
}
