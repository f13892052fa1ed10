import type { PhaseTime, Progress } from '../engine/index.ts';
import { formatBytes, formatCount } from './progress/format.ts';
import type { OutputFormat } from './progress/index.ts';
import type { TextSink } from './progress/renderer.ts';

/** Tells what a finished migration did and where its time went. */
export function reportResult(progress: Progress, format: OutputFormat, sink: TextSink): void {
  const { copy, changes, indexes, migrationId } = progress;
  const times = progress.phases.map((phase) => ({ name: phase.name, seconds: secondsOf(phase) }));
  const totalSeconds = times.reduce((sum, { seconds }) => sum + seconds, 0);
  if (format === 'json') {
    sink.write(
      `${JSON.stringify({ type: 'result', migrationId, copy, changes, indexes, phases: times, totalSeconds })}\n`,
    );
    return;
  }
  const copySeconds = times.find(({ name }) => name === 'copying')?.seconds ?? 0;
  const rate = copySeconds > 0 ? ` (${formatBytes(copy.bytesCopied / copySeconds)}/s)` : '';
  const rows: [string, string][] = [
    ...times.map(({ name, seconds }): [string, string] => [name, `${seconds.toFixed(1)} s`]),
    ['in all', `${totalSeconds.toFixed(1)} s`],
    ['documents', formatCount(copy.documentsCopied)],
    ['bytes', `${formatBytes(copy.bytesCopied)}${rate}`],
    ['indexes', formatCount(indexes.built)],
    ['changes applied', formatCount(changes.applied)],
  ];
  for (const [name, value] of rows) sink.write(`${name.padEnd(16)} ${value}\n`);
}

function secondsOf({ startedAtMs, endedAtMs }: PhaseTime): number {
  return endedAtMs === undefined ? 0 : (endedAtMs - startedAtMs) / 1000;
}
