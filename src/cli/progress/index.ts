import { JsonRenderer } from './json.ts';
import { PlainRenderer } from './plain.ts';
import type { ProgressRenderer } from './renderer.ts';
import { TtyRenderer } from './tty.ts';

export { type ProgressView, viewOf } from './collect.ts';
export { attemptLines } from './cutover-attempts.ts';
export { describeView } from './describe.ts';
export { readinessLines } from './readiness.ts';
export { resumedText } from './resumed.ts';
export { differenceLines, isVerified, verificationText } from './verification.ts';
export { watchProgress } from './watch.ts';

/** Format of results and progress. */
export type OutputFormat = 'text' | 'json';

/** Chooses a renderer. JSON lines are a result and go to stdout; progress for people goes to stderr. */
export function chooseRenderer(format: OutputFormat): ProgressRenderer {
  if (format === 'json') return new JsonRenderer(process.stdout);
  return process.stderr.isTTY ? new TtyRenderer(process.stderr) : new PlainRenderer(process.stderr);
}
