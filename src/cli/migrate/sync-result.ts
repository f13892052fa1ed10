import { inWords, type PhaseTime, type Progress, shownBytes } from '../../contract/index.ts';
import { PreflightFailed, type SyncSession } from '../../sync/index.ts';
import { type End, writeResult } from '../command-line/outcome.ts';
import { formatCount } from '../progress/format.ts';
import type { TextSink } from '../progress/renderer.ts';

/** Writes the duration of each phase of a finished migration, and its totals. */
export function reportTimes(progress: Progress, sink: TextSink): void {
  const { copy, changes, indexes } = progress;
  const { times, totalSeconds } = timesOf(progress);
  const copySeconds = times.find(({ name }) => name === 'COPYING')?.seconds ?? 0;
  const rate = copySeconds > 0 ? ` (${shownBytes(copy.bytesCopied / copySeconds)}/s)` : '';
  const rows: [string, string][] = [
    ...times.map(({ name, seconds }): [string, string] => [inWords(name), `${seconds.toFixed(1)} s`]),
    ['total', `${totalSeconds.toFixed(1)} s`],
    ['documents', formatCount(copy.documentsCopied)],
    ['bytes', `${shownBytes(copy.bytesCopied)}${rate}`],
    ['indexes', formatCount(indexes.built)],
    ['changes applied', formatCount(changes.applied)],
  ];
  for (const [name, value] of rows) sink.write(`${name.padEnd(16)} ${value}\n`);
}

/**
 * Writes the result of `linkspan sync --output json`. It always has the same keys; an unknown value is null.
 * @param session  undefined if the command ended before it created one
 */
export function writeSyncResult(end: End, session: SyncSession | undefined, sink: TextSink): void {
  const progress = session?.progress();
  const {
    migrationId = null,
    copy = null,
    changes = null,
    indexes = null,
    verification = null,
    left = null,
  } = progress ?? {};
  const { times = null, totalSeconds = null } = progress ? timesOf(progress) : {};
  const findings = end.error instanceof PreflightFailed ? end.error.findings : (session?.warnings ?? []);
  writeResult(end, sink, {
    findings,
    migrationId,
    copy,
    changes,
    indexes,
    verification,
    phases: times,
    totalSeconds,
    left,
  });
}

function timesOf({ phases }: Progress) {
  const times = phases.map((phase) => ({ name: phase.name, seconds: secondsOf(phase) }));
  return { times, totalSeconds: times.reduce((sum, { seconds }) => sum + seconds, 0) };
}

function secondsOf({ startedAt, endedAt }: PhaseTime): number {
  return endedAt === undefined ? 0 : (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000;
}
