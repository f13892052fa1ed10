import type { MongoClient } from 'mongodb';
import type { Clock } from '../../platform/index.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import type { DocumentFilters } from '../scope/document-filters.ts';
import type { Selection } from '../scope/selection.ts';
import type { Claim } from './block-history.ts';
import { type BlockSurvey, newClaim, surveySource } from './source-block.ts';
import { startWatchdog, type Watchdog, type WatchdogParts } from './watchdog.ts';

/** The parts of a run that the preparation needs. */
export interface PrepareCutoverParts extends WatchdogParts {
  readonly source: MongoClient;
  readonly sourceFeatures: SourceFeatures;
  readonly checkpoint: RetryingCheckpointStore;
  readonly clock: Clock;
  readonly selection: Selection;
  readonly documentFilters: DocumentFilters;
}

/** The preparation of one attempt to cut over. Disposing ends its watchdog, unless the source may be blocked. */
export interface CutoverPreparation extends Disposable {
  /** Undefined where the attempt doesn't block its source. */
  readonly block: PreparedBlock | undefined;
}

/** The parts that blocking a source needs. Both promises only fulfil. */
interface PreparedBlock {
  readonly claim: Claim;
  readonly watching: Promise<Watchdog>;
  readonly surveying: Promise<BlockSurvey | undefined>;
}

/**
 * Begins what a cutover needs before it blocks the source: a process and readings, which take seconds on a busy machine.
 * It changes nothing, so the checks of the cutover may still be running.
 * @param silentMs  the watchdog acts when the engine is silent for so long after it announced the block
 */
export function prepareCutover(context: PrepareCutoverParts, log: MigrationLog, silentMs?: number): CutoverPreparation {
  const { selection, documentFilters, sourceFeatures } = context;
  const blocks = selection.isWhole && documentFilters.isEmpty && sourceFeatures.blocksWrites;
  if (!blocks) return { block: undefined, [Symbol.dispose]: () => undefined };
  const claim = newClaim(context, log);
  const watching = startWatchdog(context, log, claim, silentMs);
  return {
    block: { claim, watching, surveying: surveySource(context, claim) },
    [Symbol.dispose]: () => void watching.then((watchdog) => watchdog[Symbol.dispose]()),
  };
}
