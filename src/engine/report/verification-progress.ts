import type { Timestamp } from 'mongodb';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { CatalogDifference } from '../compare/catalog-differences.ts';
import type { MismatchRecord } from '../records/verification-records.ts';
import type { VerificationMode } from '../scope/options.ts';
import { describeCatalogDifference } from '../verify/catalog-difference-text.ts';
import { secondsFor } from './rate-window.ts';

/** A document that differs, or differed, although no change explains it. */
export interface MismatchProgress {
  readonly namespace: string;
  /** Canonical Extended JSON, shortened when it is long. */
  readonly key: string;
  /** `missing`, `extra`, `different` or `field order`. */
  readonly class: string;
  readonly path: string | null;
  readonly firstSeenMs: number;
  readonly times: number;
  /** Cluster times of the two reads: seconds, and the number within the second. */
  readonly sourceTime: { readonly t: number; readonly i: number };
  readonly destinationTime: { readonly t: number; readonly i: number };
  /** Whether somebody else wrote it on the destination. */
  readonly foreign: boolean;
  /** Whether it still differs, as far as known. */
  readonly open: boolean;
}

/** How far the verification is. */
export interface VerificationProgress {
  readonly mode: VerificationMode;
  /**
   * `waiting`: no collection is live. `comparing`: some collections aren't compared as a whole. `following`: each
   * changed document is compared after its last change.
   */
  readonly phase: 'off' | 'waiting' | 'comparing' | 'following';
  readonly collectionsTotal: number;
  readonly collectionsDone: number;
  readonly documentsTotal: number;
  /** Documents of the source that the full comparison has read. */
  readonly documentsCompared: number;
  readonly bytesCompared: number;
  readonly bytesTotal: number;
  /** Documents that were equal after their last change. */
  readonly documentsRechecked: number;
  /** Documents that changed, or differed, and must still be compared. */
  readonly waiting: number;
  readonly mismatches: { readonly found: number; readonly open: number; readonly latest: readonly MismatchProgress[] };
  /**
   * The source's cluster time, in whole seconds, at which the destination is equal to the source
   * (docs/verify/clean-result.md). Null while something is not compared, or differs.
   */
  readonly equalAtMs: number | null;
  /** Differences of collections, options, views and indexes that stay; null before they were compared. */
  readonly catalogDifferences: readonly string[] | null;
  /** How many there are; the list has the first ones. */
  readonly catalogDifferencesFound: number | null;
  /** Documents that others wrote on the destination. */
  readonly foreignWrites: number;
  /** False while the destination's oplog can't be read: then writes of others stay unseen once a collection is compared. */
  readonly seesForeignWrites: boolean;
  /** Their oldest and newest documents, and their counts, are compared in the write pause, because each side discards by itself. */
  readonly cappedCollections: number;
  /** Those that changed or differed when they were last compared before the commit, so that they may differ; empty before it. */
  readonly cappedUncertain: readonly string[];
  readonly documentsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  readonly etaSeconds: number | null;
}

/** The fields of a verification that a report reads. */
export interface VerificationView {
  readonly mode: VerificationMode;
  readonly isSettled: boolean;
  readonly ranges: readonly { readonly documents: number; readonly bytes: number }[];
  readonly collectionsDone: number;
  readonly rechecks: { readonly size: number };
  readonly mismatches: { readonly found: number; readonly open: number; readonly latest: readonly MismatchRecord[] };
  readonly catalog: { readonly differences: readonly CatalogDifference[] | undefined };
  readonly foreign: { readonly count: number; readonly isBlind: boolean; readonly warnings: readonly string[] };
}

/** Per second, over the last minute; null before enough was measured. */
export interface VerificationRates {
  readonly documentsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

/** Share of the bytes that are compared before an estimate: small collections come first, while the large ones are still copied. */
const LEAST_MEASURED = 0.01;
/** The most differences of catalogs in progress. */
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
  const isDone = verification?.isSettled ?? false;
  // The source's statistics are estimates: what was compared may be more, and everything is what was compared.
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
    equalAtMs: provenAt === undefined ? null : provenAt.getHighBitsUnsigned() * 1_000,
    catalogDifferences: verification?.catalog.differences?.slice(0, SHOWN).map(describeCatalogDifference) ?? null,
    catalogDifferencesFound: verification?.catalog.differences?.length ?? null,
    foreignWrites: verification?.foreign.count ?? 0,
    seesForeignWrites: verification !== undefined && !verification.foreign.isBlind,
    cappedCollections: collections.filter(({ isCapped }) => isCapped).length,
    cappedUncertain,
    ...rates,
    etaSeconds:
      isDone || bytesCompared < bytesTotal * LEAST_MEASURED
        ? null
        : secondsFor(bytesTotal - bytesCompared, rates.bytesPerSecond),
  };
}

function phaseOf(mode: VerificationMode, verification: VerificationView | undefined): VerificationProgress['phase'] {
  if (mode === 'off') return 'off';
  if (verification?.isSettled && verification.catalog.differences !== undefined) return 'following';
  return (verification?.ranges.length ?? 0) > 0 ? 'comparing' : 'waiting';
}

/** Returns a mismatch on record as progress shows it. */
export function mismatchProgress({
  _id,
  firstSeen,
  sourceTime,
  destinationTime,
  ...mismatch
}: MismatchRecord): MismatchProgress {
  return {
    ...mismatch,
    firstSeenMs: firstSeen.getTime(),
    sourceTime: { t: sourceTime.t, i: sourceTime.i },
    destinationTime: { t: destinationTime.t, i: destinationTime.i },
  };
}
