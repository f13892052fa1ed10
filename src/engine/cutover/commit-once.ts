import type { RunContext } from '../collections/context.ts';
import type { CutoverEvidence } from '../records/cutover-attempt.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { bringOverAccounts } from './bring-over-accounts.ts';
import { confirmDestination } from './confirm-destination.ts';
import {
  barrier,
  cappedWritten,
  changedCatalog,
  commit,
  holdAt,
  lastLook,
  refuseDifference,
  whileHeld,
} from './last-look.ts';
import type { RunningStream } from './running-stream.ts';
import { compareCappedEnds, copyCappedAgain, orderCapped } from './settle-capped.ts';

/** A capped collection with constant writes would be copied again forever. */
const MOST_ROUNDS = 5;

/**
 * Ends a migration whose source is still being written to: the destination has the source's state at one time.
 * @param evidence  returns the results of the verification, given the capped collections that may differ
 */
export async function commitOnce(
  context: RunContext,
  log: MigrationLog,
  stream: RunningStream,
  evidence: (cappedUncertain: readonly string[]) => CutoverEvidence,
): Promise<void> {
  using _ = stream.hurry();
  await bringOverAccounts(context);
  let uncertain: readonly string[] = [];
  for (let round = 1; ; round += 1) {
    await orderCapped(context, stream);
    await holdAt(context, stream, await barrier(context));
    using look = context.seen.look();
    using external = stream.verification.cappedWrites.look();
    // rule: settle-capped-once
    const { again, shorter, unordered } = await whileHeld(stream, compareCappedEnds(context));
    await lastLook(context, stream);
    // The source may have changed its own since the barrier. The next round follows that.
    const [changes] = await Promise.all([changedCatalog(context, stream), confirmDestination(context)]);
    const difference = changes ?? cappedWritten(external);
    const capped = [...context.tracked.values()].filter(({ isCapped }) => isCapped).map(({ namespace }) => namespace);
    const changed = capped.filter((namespace) => look.namespaces.includes(namespace));
    const differed = [...again, ...shorter, ...unordered].map(({ namespace }) => namespace);
    uncertain = [...new Set([...changed, ...differed])];
    // rule: once-compares-again
    if (uncertain.length === 0 && difference === undefined) break;
    if (round === MOST_ROUNDS) {
      refuseDifference(difference);
      const reason =
        'they changed or differed when they were last compared: they may lack, or have, some of the oldest documents';
      context.logger.warn(
        { event: 'once.capped_uncertain', namespaces: uncertain, reason },
        'Capped collections may differ from the source',
      );
      break;
    }
    stream.release();
    await copyCappedAgain(context, again);
  }
  refuseDifference(stream.verification.difference);
  context.signal.throwIfAborted();
  // rule: uncertain-capped-on-record
  await commit(context, log, stream, false, { evidence: evidence(uncertain) });
}
