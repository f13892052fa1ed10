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
  const { mode, documentsCompared, documentsRechecked, mismatches, digests, equalAt, ...external } =
    verificationProgress(options.verification ?? 'REPAIR', verification, {
      collections: [...context.tracked.values()],
      documentsRechecked: context.counters.rechecked,
      provenAt,
      cappedUncertain,
      rates: { documentsPerSecond: null, bytesPerSecond: null },
    });
  const { externalWrites, seesExternalWrites } = external;
  const { found, open } = mismatches;
  const compared = { documentsCompared, documentsRechecked, differed: found, open, equalAt };
  const byDigest = digests && { host: digests.host, ranges: digests.ranges, documents: digests.documents };
  const uncertain = cappedUncertain.length === 0 ? [] : [new UserError('CAPPED_UNCERTAIN', [named(cappedUncertain)])];
  const warnings = [...verification.external.warnings, ...uncertain.map(({ message }) => message)];
  const facts = { ...compared, ...(byDigest && { digests: byDigest }) };
  return { mode, ...facts, externalWrites, seesExternalWrites, cappedUncertain, warnings };
}
