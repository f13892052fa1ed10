import { UserError } from '../../platform/index.ts';
import type { Migrated } from '../collections/context.ts';
import type { Telling } from '../records/context.ts';
import type { CutoverEvidence } from '../records/cutover-attempt.ts';
import { named } from '../report/reservations.ts';
import { verificationProgress } from '../report/verification-progress.ts';
import type { MigrationOptions } from '../scope/options.ts';
import type { StreamFollower } from './stream-follower.ts';

/** The fields of a run that its evidence comes from. */
interface ComparedRun {
  readonly context: Telling & Migrated;
  readonly options: Pick<MigrationOptions, 'verification'>;
}

/**
 * Returns the results of the verification until now, and its blind spots.
 * @param cappedUncertain  capped collections that may differ
 */
export function evidenceOf(
  { context, options }: ComparedRun,
  { verification, provenAt }: StreamFollower,
  cappedUncertain: readonly string[] = [],
): CutoverEvidence {
  const { mode, documentsCompared, documentsRechecked, mismatches, equalAt, externalWrites, seesExternalWrites } =
    verificationProgress(options.verification ?? 'REPAIR', verification, {
      collections: [...context.tracked.values()],
      documentsRechecked: context.counters.rechecked,
      provenAt,
      cappedUncertain,
      rates: { documentsPerSecond: null, bytesPerSecond: null },
    });
  const { found, open } = mismatches;
  const compared = { documentsCompared, documentsRechecked, differed: found, open, equalAt };
  const uncertain = cappedUncertain.length === 0 ? [] : [new UserError('CAPPED_UNCERTAIN', [named(cappedUncertain)])];
  const warnings = [...verification.external.warnings, ...uncertain.map(({ message }) => message)];
  return { mode, ...compared, externalWrites, seesExternalWrites, cappedUncertain, warnings };
}
