import { readFileSync } from 'node:fs';
import type { Sample } from './recorder.ts';

/** Between two samples further apart, the command was stopped. */
const LONGEST_GAP_SECONDS = 60;
/** The default of `linkspan sync`. */
const MEMORY_MEGABYTES = 512;
/** Records with an entry for each copied document would exceed this in a soak of some gigabytes; 0.2 GB with all faults had 1 MB of them. */
const RECORDS_MEGABYTES = 100;
/** States before everything is copied and indexed. */
export const COPYING = new Set(['CREATED', 'PREPARING', 'COPYING']);

/** The result of a soak of one size. */
export type Summary = ReturnType<typeof summarize>;

/** The columns of the table. */
const COLUMNS: readonly (readonly [title: string, cell: (one: Summary) => string | number])[] = [
  ['GB', ({ gigabytes }) => gigabytes],
  ['load s', ({ loadSeconds }) => Math.round(loadSeconds)],
  ['copy s', ({ copySeconds }) => Math.round(copySeconds)],
  ['verification s', ({ verificationSeconds }) => Math.round(verificationSeconds)],
  ['RSS MB', ({ rssMegabytes }) => Math.round(rssMegabytes)],
  ['heap MB', ({ heapMegabytes }) => Math.round(heapMegabytes)],
  ['records MB', ({ recordsMegabytes }) => recordsMegabytes.toFixed(1)],
  ['lag s', ({ lagSeconds }) => lagSeconds],
  ['processor µs per document', ({ microsPerDocument }) => microsPerDocument.toFixed(1)],
  ['write pauses ms', ({ pausesMs }) => pausesMs.map(Math.round).join(', ')],
];

export function readRecord(file: string): Sample[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

/** Returns the seconds that each sample stands for. */
export function secondsOf(samples: readonly Sample[]): number[] {
  return samples.map(({ time, phase }, n) => {
    const next = samples[n + 1];
    if (next?.phase !== phase) return 0;
    const seconds = (Date.parse(next.time) - Date.parse(time)) / 1_000;
    return seconds > LONGEST_GAP_SECONDS ? 0 : seconds;
  });
}

/** Returns times and maxima of a record. Times are without those in which no engine ran. */
export function summarize(samples: readonly Sample[]) {
  const seconds = secondsOf(samples);
  const during = (matches: (sample: Sample) => boolean) =>
    samples.reduce((sum, sample, n) => (matches(sample) ? sum + (seconds[n] ?? 0) : sum), 0);
  const most = (figure: (sample: Sample) => number | null | undefined) =>
    samples.reduce((largest, sample) => Math.max(largest, figure(sample) ?? 0), 0);
  const measured = samples.findLast((one) => one.phase === 'migrate' && one.processorMicrosPerDocument);
  return {
    gigabytes: samples[0]?.gigabytes ?? 0,
    loadSeconds: during(({ phase }) => phase === 'load'),
    copySeconds: during(({ phase, state }) => phase === 'migrate' && COPYING.has(state ?? '')),
    /** Until the migration is ready for its cutover. */
    verificationSeconds: during(({ phase, state }) => phase === 'migrate' && state === 'FOLLOWING'),
    rssMegabytes: most(({ peakMegabytes }) => peakMegabytes),
    heapMegabytes: most(({ heapMegabytes }) => heapMegabytes),
    recordsMegabytes: most(({ recordsMegabytes }) => recordsMegabytes),
    lagSeconds: most(({ lagSeconds }) => lagSeconds),
    microsPerDocument: measured?.processorMicrosPerDocument ?? 0,
    pausesMs: samples.flatMap(({ pausesMs = [] }) => pausesMs),
  };
}

/** @throws Error when the engine took too much */
export function checkLimits({ rssMegabytes, recordsMegabytes }: Summary): void {
  if (rssMegabytes < MEMORY_MEGABYTES && recordsMegabytes < RECORDS_MEGABYTES) return;
  throw new Error(
    `The engine took ${Math.round(rssMegabytes)} MB of memory and ${Math.round(recordsMegabytes)} MB of records. ` +
      `The limits are ${MEMORY_MEGABYTES} and ${RECORDS_MEGABYTES} MB.`,
  );
}

/** Returns the exponent `e` for which time grows as `bytes ** e`: the least squares on logarithms. */
export function exponentOf(points: readonly (readonly [gigabytes: number, seconds: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (of: 0 | 1) => logs.reduce((sum, point) => sum + point[of], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const products = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return products / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

/** Returns the results as a Markdown table. With several sizes, the last line has the exponents of time in bytes. */
export function tableOf(summaries: readonly Summary[]): string {
  const sorted = summaries.toSorted((a, b) => a.gigabytes - b.gigabytes);
  const rows = sorted.map((one) => COLUMNS.map(([, cell]) => cell(one)));
  const lines = [COLUMNS.map(([title]) => title), COLUMNS.map(() => '--:'), ...rows];
  const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  if (summaries.length < 2) return table;
  const exponent = (seconds: (one: Summary) => number) =>
    exponentOf(sorted.map((one) => [one.gigabytes, seconds(one)])).toFixed(2);
  const [ofLoad, ofCopy] = [exponent((one) => one.loadSeconds), exponent((one) => one.copySeconds)];
  const ofVerification = exponent((one) => one.verificationSeconds);
  return `${table}\n\nExponent of time in bytes: load ${ofLoad}, copy ${ofCopy}, verification ${ofVerification}.`;
}
