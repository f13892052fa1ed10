import type { Progress as EngineProgress, ShownCutoverReport } from '../contract/index.ts';

export type {
  CollectionProgress,
  CutoverAttempt,
  CutoverStep,
  ErrorData,
  Finding,
  Gate,
  Left as Leftovers,
  MigrationState,
  Outcome,
  PhaseTime,
  Shard as ShardFigures,
  ShownCutoverReport as CutoverReport,
  ShownSourceWatch as SourceWatch,
  TimeShares,
  VerificationProgress,
  Wait,
} from '../contract/index.ts';

/** A snapshot of a migration. */
export interface Progress extends Omit<EngineProgress, 'cutoverReport'> {
  /** The report of the cutover, from its point of no return on. */
  readonly cutoverReport?: ShownCutoverReport;
}
