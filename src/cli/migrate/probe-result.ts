import type { ProbedFact, ProbeReport } from '../../engine/index.ts';
import { counted, version } from '../../platform/index.ts';
import { exitCode } from '../command-line/exit-code.ts';
import { type End, outcomeOf } from '../command-line/outcome.ts';
import type { OutputFormat } from '../progress/index.ts';
import type { Terminal } from '../progress/tty.ts';
import { colour, type Meaning, wrap, wrapBeside } from '../terminal/index.ts';

/** Columns for a word and the space after it. */
const WORD_COLUMNS = 9;

const WORDS: Readonly<Record<ProbedFact['verdict'], readonly [string, Meaning]>> = {
  AS_EXPECTED: ['ok', 'good'],
  HANDLED: ['ok', 'good'],
  DIFFERS: ['differs', 'warning'],
  ENDANGERS_DATA: ['danger', 'error'],
  UNSEEN: ['unseen', 'warning'],
};

/** Writes the result of a probe: one JSON object, or a line for each fact and more for those that differ. */
export function showProbe(report: ProbeReport, end: End, format: OutputFormat, sink: Terminal): void {
  if (format === 'json') {
    writeProbe(report, end, sink);
    return;
  }
  for (const side of ['SOURCE', 'DESTINATION'] as const) {
    const { version: server, level } = side === 'SOURCE' ? report.source : report.destination;
    const name = `the ${side.toLowerCase()}: MongoDB ${server}, feature compatibility version ${level}`;
    sink.write(`${colour('heading', name, sink)}\n`);
    for (const fact of report.facts) if (fact.side === side) sink.write(textOf(fact, sink));
    sink.write('\n');
  }
  if (report.needScratch.length > 0) sink.write(`${wrap(scratchText(report), sink)}\n\n`);
  sink.write(`${verdictOf(report, end, sink)}\n`);
}

/** Writes the only object of `linkspan probe --output json`. */
export function writeProbe(report: ProbeReport | undefined, end: End, sink: Terminal): void {
  sink.write(`${JSON.stringify({ type: 'probe', ...outcomeOf(end), linkspan: version, ...report })}\n`);
}

function textOf({ verdict, what, expected, seen, meaning, why }: ProbedFact, sink: Terminal): string {
  const [word, level] = WORDS[verdict];
  const line = (name: string, text: string) => `${wrapBeside(name, WORD_COLUMNS, text, sink)}\n`;
  const more = (name: string, text: string) =>
    `${wrapBeside(`${' '.repeat(WORD_COLUMNS)}${name}`, 2 * WORD_COLUMNS, text, sink)}\n`;
  const first = line(colour(level, word, sink), seen === null ? `${what}: ${why}` : `${what}: ${seen}`);
  if (verdict === 'AS_EXPECTED' || verdict === 'UNSEEN') return first;
  if (verdict === 'HANDLED') return first + more('expected', `${expected}. Linkspan handles both`);
  return first + more('expected', expected) + more('means', meaning);
}

function scratchText({ source, needScratch }: ProbeReport): string {
  return (
    `Nothing shows ${counted(needScratch.length, 'fact')} of the source's version, because the source is only read: ` +
    `${needScratch.join(', ')}. To see them, name a scratch cluster of MongoDB ${source.version} as the destination.`
  );
}

function verdictOf({ facts }: ProbeReport, { code }: End, sink: Terminal): string {
  const unseen = facts.filter(({ verdict }) => verdict === 'UNSEEN').length;
  const rest = unseen === 0 ? '' : ` ${counted(unseen, 'fact')} could not be seen.`;
  if (code === exitCode.done) return colour('good', `Nothing that was seen endangers data.${rest}`, sink);
  if (code === exitCode.usageOrPrecondition)
    return colour('error', `Do not migrate: data could be lost or changed.${rest}`, sink);
  return colour('warning', `The probe was stopped.${rest}`, sink);
}
