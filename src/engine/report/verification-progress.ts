import type { Timestamp } from 'mongodb';
import { dateOf, type Mismatch, type VerificationMode, type VerificationProgress } from '../../contract/index.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { CatalogDifference } from '../compare/catalog-differences.ts';
import type { MismatchRecord } from '../records/verification-records.ts';
import { describeCatalogDifference } from '../verify/catalog-difference-text.ts';
import type { DigestedRanges } from '../verify/digested-ranges.ts';
import { isAlwaysRead } from '../verify/is-always-read.ts';
import type { VerifiedRange } from '../verify/verified-ranges.ts';
import { secondsFor } from './rate-window.ts';

/** The fields of a verification that a report reads. */
export interface VerificationView {
  readonly mode: VerificationMode;
  readonly isSettled: boolean;
  readonly ranges: readonly Pick<VerifiedRange, 'documents' | 'bytes' | 'digested'>[];
  readonly digests?: Pick<DigestedRanges, 'host' | 'unanswered'> | undefined;
  readonly collectionsDone: number;
  readonly rechecks: { readonly size: number };
  readonly mismatches: { readonly found: number; readonly open: number; readonly latest: readonly MismatchRecord[] };
  readonly catalog: { readonly differences: readonly CatalogDifference[] | undefined };
  readonly external: { readonly count: number; readonly isBlind: boolean; readonly warnings: readonly string[] };
}

/** Per second, over the last minute; null before enough was measured. */
export interface VerificationRates {
  readonly documentsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

/** Share of the bytes that are compared before an estimate: small collections come first, while the large ones are still copied. */
const LEAST_MEASURED = 0.01;
/** The most differences of catalogs, and the most collections, in progress. */
const SHOWN = 10;

const NOTHING_YET = {
  collections: [],
  documentsRechecked: 0,
  provenAt: undefined,
  cappedUncertain: [],
  rates: { documentsPerSecond: null, bytesPerSecond: null },
};

/** Returns the progress of a verification; of none when it hasn't begun. */
export function verificationProgress(
  mode: VerificationMode,
  verification?: VerificationView,
  {
    collections,
    documentsRechecked,
    provenAt,
    cappedUncertain,
    rates,
  }: {
    readonly collections: readonly TrackedCollection[];
    readonly documentsRechecked: number;
    /** Cluster time of the source; undefined while something isn't proven. */
    readonly provenAt: Timestamp | undefined;
    readonly cappedUncertain: readonly string[];
    readonly rates: VerificationRates;
  } = NOTHING_YET,
): VerificationProgress {
  const sum = (pick: (range: VerificationView['ranges'][number]) => number) =>
    (verification?.ranges ?? []).reduce((total, range) => total + pick(range), 0);
  const documentsCompared = sum(({ documents }) => documents);
  const bytesCompared = sum(({ bytes }) => bytes);
  const helper = verification?.digests;
  const isDone = verification?.isSettled ?? false;
  // The source's statistics are estimates: the compared total may be higher, and counts as the whole at the end.
  const total = (estimated: number, compared: number) => (isDone ? compared : Math.max(estimated, compared));
  const bytesTotal = total(
    collections.reduce((all, { bytes }) => all + bytes, 0),
    bytesCompared,
  );
  return {
    mode,
    phase: phaseOf(mode, verification),
    collectionsTotal: collections.length,
    collectionsDone: verification?.collectionsDone ?? 0,
    documentsTotal: total(
      collections.reduce((all, { documents }) => all + documents, 0),
      documentsCompared,
    ),
    documentsCompared,
    bytesCompared,
    bytesTotal,
    documentsRechecked: documentsRechecked,
    waiting: verification?.rechecks.size ?? 0,
    mismatches: {
      found: verification?.mismatches.found ?? 0,
      open: verification?.mismatches.open ?? 0,
      latest: (verification?.mismatches.latest ?? []).map(mismatchProgress),
    },
    equalAt: provenAt === undefined ? null : dateOf(provenAt.getHighBitsUnsigned() * 1_000),
    catalogDifferences: verification?.catalog.differences?.slice(0, SHOWN).map(describeCatalogDifference) ?? null,
    catalogDifferencesFound: verification?.catalog.differences?.length ?? null,
    externalWrites: verification?.external.count ?? 0,
    seesExternalWrites: verification !== undefined && !verification.external.isBlind,
    cappedCollections: collections.filter(({ isCapped }) => isCapped).length,
    cappedUncertain,
    ...(helper && {
      digests: {
        host: helper.host,
        ranges: sum(({ digested }) => digested?.ranges ?? 0),
        documents: sum(({ digested }) => digested?.documents ?? 0),
        unanswered: helper.unanswered ?? null,
        alwaysRead: collections
          .filter(isAlwaysRead)
          .slice(0, SHOWN)
          .map(({ namespace }) => namespace),
      },
    }),
    ...rates,
    etaSeconds:
      isDone || bytesCompared < bytesTotal * LEAST_MEASURED
        ? null
        : secondsFor(bytesTotal - bytesCompared, rates.bytesPerSecond),
  };
}

function phaseOf(mode: VerificationMode, verification: VerificationView | undefined): VerificationProgress['phase'] {
  if (mode === 'OFF') return 'OFF';
  if (verification?.isSettled && verification.catalog.differences !== undefined) return 'FOLLOWING';
  return (verification?.ranges.length ?? 0) > 0 ? 'COMPARING' : 'WAITING';
}

/** Returns a mismatch on record as progress shows it. */
export function mismatchProgress({
  _id,
  firstSeen,
  sourceTime,
  destinationTime,
  ...mismatch
}: MismatchRecord): Mismatch {
  return {
    ...mismatch,
    firstSeen: firstSeen.toISOString(),
    sourceTime: { t: sourceTime.t, i: sourceTime.i },
    destinationTime: { t: destinationTime.t, i: destinationTime.i },
  };
}
