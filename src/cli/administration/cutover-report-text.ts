import { inWords, type ShownCutoverReport } from '../../contract/index.ts';
import { counted } from '../../platform/index.ts';
import { attemptLines } from '../progress/index.ts';
import { wrapBeside } from '../terminal/index.ts';
import { problemLines } from './problem-lines.ts';

const LABEL_COLUMNS = 16;
const WHILE_OPEN =
  'The failback needs it: this report has the command that lifts it once linkspan migration finish has closed that.';

/** The text of `migration report` below its table. */
export function cutoverReportText(answer: unknown): string {
  const report = answer as ShownCutoverReport;
  const { blocked, cleanup, connectionStrings, copied, indexes, pause, phases, verification, warnings } = report;
  const lines: readonly (readonly [label: string, text: string])[] = [
    ...problemLines(report.problems),
    ['result', report.isComplete ? 'the cutover is complete' : 'the cutover is past its point of no return'],
    ['pause', `${pause.milliseconds === null ? 'unknown' : `${pause.milliseconds} ms`}. ${pause.explanation}`],
    ['verification', verification.claim],
    [
      'copied',
      `${counted(copied.documents, 'document')} in ${counted(copied.collections, 'collection')}, ` +
        `${counted(copied.bytes, 'byte')}; ${counted(copied.changesApplied, 'change')} applied`,
    ],
    ['indexes', `${indexes.total}; ${indexes.unique} unique and ${indexes.expiring} expiring again since the cutover`],
    ...phases.map(({ name, seconds }) => ['phase', `${inWords(name)} ${seconds.toFixed(1)} s`] as const),
    ['before', connectionStrings.before],
    ['after', connectionStrings.after],
    ...blocked.map(
      ({ what, undo }) =>
        [
          'blocked',
          undo === undefined ? `${what}. ${WHILE_OPEN}` : `${what}. To lift it, run on the source: ${undo}`,
        ] as const,
    ),
    ...cleanup.map(({ what, command }) => ['to remove', `${what}: ${command}`] as const),
    ...warnings.map((warning) => ['warning', warning] as const),
    ...attemptLines(report.attempts, Date.now()),
  ];
  return `\n${lines.map(([label, text]) => `${wrapBeside(label, LABEL_COLUMNS, text, process.stdout)}\n`).join('')}`;
}
