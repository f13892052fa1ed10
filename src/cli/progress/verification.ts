import { inWords, type Progress, shownBytes } from '../../contract/index.ts';
import { conditionsOf, isUnreserved, reservationsOf } from '../../engine/index.ts';
import { counted } from '../../platform/index.ts';
import { formatCount, formatSeconds } from './format.ts';

type Verification = Progress['verification'];

/** Where all mismatches of a migration are on record. The engine's progress has the latest ones. */
const RECORD = '`linkspan_internal.mismatches` on the destination';

/** Returns short phrases about a running comparison, the most important first. */
export function describeVerification(verification: Verification): (string | undefined)[] {
  const { bytesPerSecond, etaSeconds, documentsCompared, documentsTotal, mismatches, waiting } = verification;
  return [
    bytesPerSecond === null ? undefined : `${shownBytes(bytesPerSecond)}/s`,
    etaSeconds === null ? undefined : `ETA ${formatSeconds(etaSeconds)}`,
    `${formatCount(documentsCompared)} of ${counted(documentsTotal, 'document')} compared`,
    mismatches.found === 0 ? undefined : `${formatCount(mismatches.found)} differed`,
    waiting === 0 ? undefined : `${formatCount(waiting)} to compare again`,
  ];
}

/** Returns the present differences, as short phrases; empty when there are none in the compared data. */
export function describeDifferences(verification: Verification): string[] {
  const { open } = verification.mismatches;
  const catalogs = catalogDifferencesOf(verification);
  const [first] = verification.catalogDifferences ?? [];
  const others = catalogs > 1 ? `, and ${counted(catalogs - 1, 'other difference')}` : '';
  return [
    ...(open > 0 ? [`${counted(open, 'document differs', 'documents differ')}`] : []),
    ...(catalogs > 0 ? [`catalogs differ: ${first ?? 'the log says in what'}${others}`] : []),
  ];
}

/** Whether both sides were equal at a time, as far as Linkspan can see. */
export function isVerified({ verification }: Progress): boolean {
  const { mode, phase, equalAt } = verification;
  const isProven = mode !== 'OFF' && phase === 'FOLLOWING' && equalAt !== null && isUnreserved(verification);
  return isProven && describeDifferences(verification).length === 0;
}

/**
 * Returns one to five sentences about the proof and the differences. They claim only what the fields say.
 * @returns undefined when this process doesn't know it, as with a migration that an earlier process has committed
 */
export function verificationText({ state, verification }: Progress): string | undefined {
  const { mode, phase, equalAt, waiting, catalogDifferences, documentsCompared, documentsTotal } = verification;
  if (mode === 'OFF') return 'Not verified: verification is switched off.';
  if (phase === 'WAITING') {
    const isOver = state === 'FAILED' || state === 'CANCELLED';
    return state === 'COMMITTED' ? undefined : `Not verified${isOver ? '' : ' yet'}: nothing was compared.`;
  }
  const differences = describeDifferences(verification).map(
    (difference) => `${difference.charAt(0).toUpperCase()}${difference.slice(1)}.`,
  );
  const isCommitted = state === 'COMMITTED';
  const facts = [...reservations(verification, isCommitted), ...earlierDifferences(verification), ...differences];
  if (phase !== 'FOLLOWING' || catalogDifferences === null) {
    const part = `${formatCount(documentsCompared)} of about ${counted(documentsTotal, 'document')} compared.`;
    return ['Verification is incomplete:', part, ...facts].join(' ');
  }
  const compared = whatWasCompared(verification);
  if (differences.length > 0) return [`Verification found differences: ${compared} compared.`, ...facts].join(' ');
  if (equalAt === null) {
    if (isCommitted) return [`Compared: ${compared}.`, ...facts, 'Nothing that was compared differs.'].join(' ');
    const missing = waiting === 0 ? 'no time is proven at which both sides are equal' : mustBeCompared(waiting);
    return [`Verification is incomplete: ${compared} compared; ${missing}.`, ...facts].join(' ');
  }
  return [...proof(verification, equalAt, isCommitted), ...facts, ending(verification, isCommitted)].join(' ');
}

/** Returns sentences about the proven time and about changes since. */
function proof(verification: Verification, equalAt: string, isCommitted: boolean): string[] {
  const { documentsRechecked, waiting } = verification;
  const time = equalAt.replace('.000Z', 'Z');
  const missing = isCommitted
    ? waiting === 1
      ? 'was not compared any more'
      : 'were not compared any more'
    : 'must still be compared';
  // A document that changes twice is compared twice, so rechecks are no count of documents.
  const rechecks = `${counted(documentsRechecked, 'comparison')} of documents after their last change`;
  const also = documentsRechecked === 0 ? '' : `; ${rechecks} found them equal`;
  return [
    `Verified${conditionsOf(verification)}: equal at ${time} for ${whatWasCompared(verification)}${also}.`,
    ...(waiting === 0 ? [] : [`${counted(waiting, 'document')} changed after that time and ${missing}.`]),
  ];
}

function ending(verification: Verification, isCommitted: boolean): string {
  const { cappedCollections, waiting } = verification;
  const isAll = isUnreserved(verification) && waiting === 0 && (isCommitted || cappedCollections === 0);
  return isAll ? 'Nothing differs.' : 'Nothing that was compared differs.';
}

function mustBeCompared(waiting: number): string {
  return `${counted(waiting, 'document')} must still be compared again`;
}

function whatWasCompared({ documentsCompared, collectionsDone }: Verification): string {
  return `${counted(documentsCompared, 'document')} in ${counted(collectionsDone, 'collection')}`;
}

/** Returns the limits of the result. */
function reservations(verification: Verification, isCommitted: boolean): string[] {
  const { cappedCollections } = verification;
  return [
    ...reservationsOf(verification),
    ...(cappedCollections === 0 ? [] : [cappedText(cappedCollections, isCommitted)]),
  ];
}

/** Each side discards by itself, so differences of a capped collection count only in the comparison before the commit. */
function cappedText(count: number, isCommitted: boolean): string {
  const parts = 'oldest and newest documents and';
  const what = count === 1 ? `its ${parts} its count` : `their ${parts} their counts`;
  const when = isCommitted ? 'were compared before the commit' : 'are compared only before the commit';
  return `This leaves out ${counted(count, 'capped collection')}: ${what} ${when}.`;
}

function earlierDifferences({ mismatches: { found, open } }: Verification): string[] {
  const settled = found - open;
  if (settled <= 0) return [];
  return [`${counted(settled, 'document')} differed earlier and ${settled === 1 ? 'does' : 'do'} not any more.`];
}

function catalogDifferencesOf({ catalogDifferences, catalogDifferencesFound }: Verification): number {
  return Math.max(catalogDifferencesFound ?? 0, catalogDifferences?.length ?? 0);
}

/** Returns a line for each difference that progress has, and lines that name the places of all others. */
export function differenceLines(verification: Verification): string[] {
  const { mismatches, catalogDifferences } = verification;
  const { found, latest } = mismatches;
  const lines = latest.map(({ namespace, key, class: kind, path, external, open }) => {
    const where = path === null ? '' : ` at \`${path}\``;
    const by = external ? ', written by another client on the destination' : '';
    return `${namespace} _id ${key}: ${inWords(kind)}${where}${by} (${open ? 'differs' : 'differs no more'})`;
  });
  const listed = catalogDifferences ?? [];
  const others = found - latest.length;
  const otherCatalogs = catalogDifferencesOf(verification) - listed.length;
  return [
    ...lines,
    ...(others > 0 ? [`${counted(others, 'other document')} in ${RECORD}`] : []),
    ...listed,
    ...(otherCatalogs > 0 ? [`${counted(otherCatalogs, 'other difference')} of the catalogs in the log`] : []),
  ];
}
