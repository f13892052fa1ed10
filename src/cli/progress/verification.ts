import type { Progress } from '../../engine/index.ts';
import { counted } from '../../platform/index.ts';
import { formatBytes, formatCount, formatSeconds } from './format.ts';

type Verification = Progress['verification'];

/** Where all mismatches of a migration are on record. The engine's progress has the latest ones. */
const RECORD = '`linkspan_internal.mismatches` on the destination';

/** Returns short phrases about a running comparison, the most important first. */
export function describeVerification(verification: Verification): (string | undefined)[] {
  const { bytesPerSecond, etaSeconds, documentsCompared, documentsTotal, mismatches, waiting } = verification;
  return [
    bytesPerSecond === null ? undefined : `${formatBytes(bytesPerSecond)}/s`,
    etaSeconds === null ? undefined : `ETA ${formatSeconds(etaSeconds)}`,
    `${formatCount(documentsCompared)} of ${counted(documentsTotal, 'document')} compared`,
    mismatches.found === 0 ? undefined : `${formatCount(mismatches.found)} differed`,
    waiting === 0 ? undefined : `${formatCount(waiting)} to compare again`,
  ];
}

/** Returns what differs now, as short phrases; empty when nothing that was compared differs. */
export function describeDifferences({ mismatches, catalogDifferences }: Verification): string[] {
  const { open } = mismatches;
  const [first, ...others] = catalogDifferences ?? [];
  return [
    ...(open > 0 ? [`${counted(open, 'document differs', 'documents differ')}`] : []),
    ...(first === undefined ? [] : [`catalogs differ: ${first}${others.length > 0 ? ', and others' : ''}`]),
  ];
}

/**
 * Returns one to three sentences about what was compared and what differs. They claim only what was done.
 * @returns undefined when this process doesn't know it, as with a migration that an earlier process has committed
 */
export function verificationText({ state, verification }: Progress): string | undefined {
  const { mode, phase, documentsCompared, documentsTotal, waiting, catalogDifferences } = verification;
  if (mode === 'off') return 'Not verified: verification is switched off.';
  if (phase === 'waiting') return state === 'committed' ? undefined : 'Not verified yet: nothing was compared.';
  const differences = describeDifferences(verification).map(
    (difference) => `${difference.charAt(0).toUpperCase()}${difference.slice(1)}.`,
  );
  const found = [...foreignWrites(verification), ...earlierDifferences(verification), ...differences];
  if (phase !== 'following' || catalogDifferences === null) {
    const part = `${formatCount(documentsCompared)} of about ${counted(documentsTotal, 'document')} compared.`;
    return ['Verification is incomplete:', part, ...found].join(' ');
  }
  const compared = whatWasCompared(verification);
  if (differences.length > 0) return [`Verification found differences: ${compared}.`, ...found].join(' ');
  if (state !== 'committed' && waiting > 0) {
    const rest = `${counted(waiting, 'document')} must still be compared again.`;
    return [`Verification is incomplete: ${compared}; ${rest}`, ...found].join(' ');
  }
  return [`Verified: ${compared}.`, ...found, 'Nothing differs.'].join(' ');
}

/** A document that changes twice is rechecked twice, so rechecks are no count of documents. */
function whatWasCompared({ documentsCompared, collectionsDone, documentsRechecked }: Verification): string {
  const whole = `${counted(documentsCompared, 'document')} in ${counted(collectionsDone, 'collection')} compared`;
  return documentsRechecked === 0
    ? whole
    : `${whole}, and ${counted(documentsRechecked, 'recheck')} of changed documents`;
}

function foreignWrites({ foreignWrites: count }: Verification): string[] {
  return count === 0 ? [] : [`Others wrote ${counted(count, 'document')} to the destination.`];
}

function earlierDifferences({ mismatches: { found, open } }: Verification): string[] {
  const settled = found - open;
  if (settled <= 0) return [];
  return [`${counted(settled, 'document')} differed earlier and ${settled === 1 ? 'does' : 'do'} not any more.`];
}

/** Returns a line for each difference that progress has, and one that names the record of other documents. */
export function differenceLines({ mismatches, catalogDifferences }: Verification): string[] {
  const { found, latest } = mismatches;
  const lines = latest.map(({ namespace, key, class: kind, path, foreign, open }) => {
    const where = path === null ? '' : ` at \`${path}\``;
    const by = foreign ? ', written by somebody else on the destination' : '';
    return `${namespace} _id ${key}: ${kind}${where}${by} (${open ? 'differs' : 'differs no more'})`;
  });
  const others = found - latest.length;
  return [
    ...lines,
    ...(others > 0 ? [`${counted(others, 'other document')} in ${RECORD}`] : []),
    ...(catalogDifferences ?? []),
  ];
}
