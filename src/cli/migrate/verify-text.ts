import { type DocumentDifference, inWords, shownBytes, type VerificationReport } from '../../contract/index.ts';
import type { Verified } from '../../engine/index.ts';
import { counted } from '../../platform/index.ts';
import { formatCount, formatSeconds } from '../progress/format.ts';
import type { Terminal } from '../progress/tty.ts';
import { colour, type Meaning, withoutControls, wrap } from '../terminal/index.ts';

const MOST_SHOWN = 20;

const VERDICTS: Readonly<Record<VerificationReport['result'], readonly [Meaning, string]>> = {
  EQUAL: ['good', 'Equal.'],
  DIFFERENT: ['error', 'Different.'],
  UNDECIDED: ['warning', 'Undecided.'],
  UNFINISHED: ['warning', 'Unfinished.'],
};

/** Writes a result for people: what was compared, with whole digests, and the first differences. */
export function writeVerification(
  { report, differences }: Verified,
  listedIn: string | undefined,
  sink: Terminal,
): void {
  const lines = [
    ...report.collections.flatMap(linesOf),
    '',
    ...report.catalogDifferences.slice(0, MOST_SHOWN).map(catalogLine),
    ...more(report.catalogDifferences.length, 'definition'),
    ...differences.slice(0, MOST_SHOWN).map(documentLine),
    ...more(report.differences.total + report.differences.repaired, 'document'),
    ...(listedIn === undefined || differences.length === 0 ? [] : [`All documents that differ are in ${listedIn}`]),
    ...(report.catalogDifferences.length + differences.length === 0 ? [] : ['']),
    `Linkspan ${report.linkspanVersion} compared ${shownBytes(report.totals.bytes)} of each side in ${formatSeconds(report.seconds)}, ` +
      `from ${report.startedAt} to ${report.endedAt}.`,
  ];
  for (const line of lines) sink.write(`${wrap(withoutControls(line), sink, 4)}\n`);
  const [meaning, verdict] = VERDICTS[report.result];
  sink.write(`${wrap(`${colour(meaning, verdict, sink)} ${report.explanation}`, sink)}\n`);
}

function linesOf(entry: VerificationReport['collections'][number]): string[] {
  const { namespace, destinationNamespace, source, destination, differences, rechecked, undecided } = entry;
  const name = namespace === destinationNamespace ? namespace : `${namespace} → ${destinationNamespace}`;
  const facts = [
    counted(source.count, 'document'),
    shownBytes(source.bytes),
    ...(rechecked > 0 ? [`${counted(rechecked, 'key')} rechecked`] : []),
    ...(differences > 0 ? [`${formatCount(differences)} different`] : []),
    ...(undecided > 0 ? [`${formatCount(undecided)} undecided`] : []),
  ];
  return [
    `${name}: ${facts.join(', ')}`,
    ...digestLines('digest', source.digest ?? 'none: it changed', destination.digest ?? 'none: it changed'),
    ...digestLines('order digest', source.orderDigest, destination.orderDigest),
  ];
}

function digestLines(what: string, source: string | undefined, destination: string | undefined): string[] {
  if (source === undefined || destination === undefined) return [];
  if (source === destination) return [`  ${what} ${source}`];
  return [`  ${what} of the source      ${source}`, `  ${what} of the destination ${destination}`];
}

function documentLine({ namespace, _id, class: kind, path, external, repaired }: DocumentDifference): string {
  const at = path === null ? '' : ` at ${path}`;
  const notes = [...(external ? ['changed on the destination only'] : []), ...(repaired ? ['repaired'] : [])];
  const note = notes.length === 0 ? '' : ` (${notes.join(', ')})`;
  return `  ${namespace} _id ${JSON.stringify(_id)}: ${inWords(kind)}${at}${note}`;
}

function catalogLine(difference: VerificationReport['catalogDifferences'][number]): string {
  const { namespace, class: kind, name, path, source, destination } = difference;
  const what = [inWords(kind), ...(name === undefined ? [] : [name]), ...(path === undefined ? [] : [path])].join(' ');
  const values =
    source === undefined && destination === undefined
      ? ''
      : `: ${source ?? 'nothing'} on the source, ${destination ?? 'nothing'} on the destination`;
  return `  ${namespace}: ${what}${values}`;
}

function more(total: number, what: string): string[] {
  return total > MOST_SHOWN ? [`  … and ${counted(total - MOST_SHOWN, `more ${what}`)}`] : [];
}
