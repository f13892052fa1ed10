import { inWords } from '../../contract/index.ts';
import { type ComparedReports, compareReports, type ReportDifference, readReport } from '../../engine/index.ts';
import { counted, UserError } from '../../platform/index.ts';
import { readSyncConfiguration } from '../../sync/index.ts';
import { exitCode } from '../command-line/exit-code.ts';
import { type End, writeResult } from '../command-line/outcome.ts';
import { formatCount } from '../progress/format.ts';
import type { OutputFormat } from '../progress/index.ts';
import type { TextSink } from '../progress/renderer.ts';
import { withoutControls } from '../terminal/index.ts';
import { shownCluster, shownTime } from './digest-text.ts';

/** The most differences that people see at once. JSON has all. */
const SHOWN = 20;

interface ReportsToVerify {
  /** The files of two reports. */
  readonly files: readonly string[];
  /** File of `linkspan sync` with the names that namespaces of the first cluster have on the second. */
  readonly config?: string;
  readonly output: OutputFormat;
}

/**
 * Compares two reports of `linkspan digest` and writes the result.
 * @returns the end: 0 for equal clusters, 3 for differences, 2 when one of the reports proves nothing
 * @throws UserError USAGE, REPORT_UNREADABLE
 */
export function verifyReports({ files, config, output }: ReportsToVerify, sink: TextSink): End {
  const [first, second, ...others] = files;
  if (first === undefined || second === undefined || others.length > 0)
    throw new UserError('USAGE', ['--reports takes two files, as in --reports A.json B.json']);
  const remaps = config === undefined ? [] : (readSyncConfiguration(config).selection?.namespaceRemap ?? []);
  const result = compareReports(readReport(first), readReport(second), remaps);
  const { differences, reservations, compared, documents } = result;
  const what = `${counted(compared, 'collection')} with ${counted(documents, 'document')}`;
  const verdict =
    differences.length > 0
      ? `The reports differ: ${counted(differences.length, 'difference')} in ${what}.`
      : `The reports are equal: ${what}.`;
  const end = endOfComparison(result, verdict);
  if (output === 'json') {
    writeResult(end, sink, result);
    return end;
  }
  const more = differences.length - SHOWN;
  const lines = [
    originText('first', result.first),
    originText('second', result.second),
    ...differences.slice(0, SHOWN).map(lineOf),
    ...(more > 0 ? [`… and ${formatCount(more)} more; --output json has all`] : []),
    ...reservations,
    end.code === exitCode.usageOrPrecondition && differences.length === 0 ? `${verdict} That proves nothing.` : verdict,
  ];
  // Names come from foreign files.
  sink.write(`${lines.map(withoutControls).join('\n')}\n`);
  return end;
}

function originText(which: string, { cluster, clusterTime, claim, endedAt }: ComparedReports['first']): string {
  return `${which}: ${shownCluster(cluster)}, cluster time ${shownTime(clusterTime)}, ${inWords(claim)}, made until ${endedAt}`;
}

/** A report that proves nothing makes differences as doubtful as their absence. */
function endOfComparison({ differences, reservations }: ComparedReports, verdict: string): End {
  if (reservations.length > 0) {
    const error = new UserError('DIGEST_PROVES_NOTHING', [reservations.join(' ')]);
    return { code: exitCode.usageOrPrecondition, error };
  }
  if (differences.length === 0) return { code: exitCode.done };
  return { code: exitCode.differences, error: new UserError('DIFFERENCES_FOUND', [verdict]) };
}

function lineOf({ namespace, otherNamespace, class: kind, name, first, second }: ReportDifference): string {
  const where = namespace === otherNamespace ? namespace : `${namespace} (${otherNamespace})`;
  const values = [first, second].filter((value) => value !== undefined);
  const shown = values.length === 0 ? '' : `: ${values.join(' / ')}`;
  return `${where}: ${inWords(kind)}${name === undefined ? '' : ` ${name}`}${shown}`;
}
