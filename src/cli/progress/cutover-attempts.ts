import { type CutoverAttempt, inWords } from '../../contract/index.ts';

/** Shorter steps are counted together, because they explain nothing. */
const SHOWN_FROM_MS = 20;

type Line = readonly [label: string, text: string];

/**
 * Returns lines about the attempts to cut over: how each ended, and the steps of the last one.
 * @param atMs  current time
 */
export function attemptLines(attempts: readonly CutoverAttempt[], atMs: number): Line[] {
  return attempts.flatMap((attempt, at): Line[] => {
    const summary: Line = [`attempt ${attempt.number}`, attemptText(attempt, atMs)];
    return at === attempts.length - 1 ? [summary, ...stepLines(attempt, atMs)] : [summary];
  });
}

/** Returns the step that a cutover is in, and what it waits for; undefined while none is under way. */
export function currentStep(attempts: readonly CutoverAttempt[]): string | undefined {
  const last = attempts.at(-1);
  const step = last?.result === undefined ? last?.steps.at(-1) : undefined;
  return step && `${step.name}: ${step.reason}`;
}

function attemptText(attempt: CutoverAttempt, atMs: number): string {
  const { result = 'under way', reason, startedAt, stoppedMs, wouldStopMs, steps } = attempt;
  const last = steps.at(-1);
  const endedAtMs = last?.durationMs === undefined ? atMs : Date.parse(last.startedAt) + last.durationMs;
  const stopped = stoppedMs === undefined ? '' : `, users' writes stopped for ${seconds(stoppedMs)}`;
  const would = wouldStopMs === undefined ? '' : `, a cutover would stop them for about ${seconds(wouldStopMs)}`;
  return `${inWords(result)} after ${seconds(endedAtMs - Date.parse(startedAt))}${stopped}${would}${reason === undefined ? '' : `: ${reason}`}`;
}

function stepLines({ steps }: CutoverAttempt, atMs: number): Line[] {
  const timed = steps.map((step) => ({
    ...step,
    ms: step.durationMs ?? Math.max(0, atMs - Date.parse(step.startedAt)),
  }));
  const shown = timed.filter(({ ms }) => ms >= SHOWN_FROM_MS);
  const lines = shown.map(
    ({ name, ms, reason, counts }): Line => ['', `${seconds(ms)} ${name}: ${reason}${countsText(counts)}`],
  );
  const short = timed.filter(({ ms }) => ms < SHOWN_FROM_MS);
  const shortMs = short.reduce((sum, { ms }) => sum + ms, 0);
  return shortMs === 0 ? lines : [...lines, ['', `${seconds(shortMs)} ${short.map(({ name }) => name).join(', ')}`]];
}

function countsText(counts: Readonly<Record<string, number>> = {}): string {
  const texts = Object.entries(counts).map(([name, count]) => `${name} ${count.toLocaleString('en-US')}`);
  return texts.length === 0 ? '' : ` (${texts.join(', ')})`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
