import type { RunContext } from '../collections/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { within } from '../records/within.ts';
import type { Claim } from './block-history.ts';
import { barrier } from './last-look.ts';
import { newClaim } from './open-source.ts';
import type { RunningStream } from './running-stream.ts';
import { type BlockSurvey, surveySource } from './source-block.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

/** The preparation of one attempt to cut over. Disposing ends its watchdog, unless the source may be blocked. */
export interface CutoverPreparation extends Disposable {
  /** Undefined where the attempt doesn't block its source. */
  readonly block: PreparedBlock | undefined;
  /**
   * Resolves when the stream is in sync with a barrier of this attempt, so that the drain under the block is short. The
   * stream hurries as long as the attempt lasts.
   */
  readonly caughtUp: Promise<void>;
}

/** The parts that blocking a source needs. Both promises only fulfil. */
interface PreparedBlock {
  readonly claim: Claim;
  readonly watching: Promise<Watchdog>;
  readonly surveying: Promise<BlockSurvey | undefined>;
}

/**
 * Begins the preparations of a cutover before it blocks the source: a process, readings, and a stream in sync, which
 * take seconds on a busy machine. None of it needs a decision, so the checks of the cutover may still be running.
 * @param silentMs  the watchdog acts when the engine is silent for so long after it announced the block
 */
export function prepareCutover(
  context: RunContext,
  log: MigrationLog,
  stream: RunningStream,
  silentMs?: number,
): CutoverPreparation {
  const over = new AbortController();
  const limited = within(context, over.signal);
  const caughtUp = barrier(limited).then((time) => stream.inStepAt(time, limited.signal));
  caughtUp.catch(() => undefined); // Handled where it is awaited; an attempt may end before.
  const block = prepareBlock(context, log, silentMs);
  return {
    block,
    caughtUp,
    [Symbol.dispose]: () => {
      over.abort();
      void block?.watching.then((watchdog) => watchdog[Symbol.dispose]());
    },
  };
}

/** Whether a cutover of the migration blocks its source. */
export function blocksSource({ selection, documentFilters, sourceFeatures }: RunContext): boolean {
  return selection.isWhole && documentFilters.isEmpty && sourceFeatures.blocksWrites;
}

function prepareBlock(context: RunContext, log: MigrationLog, silentMs: number | undefined): PreparedBlock | undefined {
  if (!blocksSource(context)) return undefined;
  const claim = newClaim(context, log);
  return {
    claim,
    watching: startWatchdog(context, log, claim, silentMs),
    surveying: surveySource(context, claim),
  };
}
