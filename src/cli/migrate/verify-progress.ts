import { inWords, shownBytes } from '../../contract/index.ts';
import type { ClusterVerification, ClusterVerificationProgress } from '../../engine/index.ts';
import { counted, systemClock } from '../../platform/index.ts';
import { formatCount } from '../progress/format.ts';
import type { OutputFormat } from '../progress/index.ts';
import type { Terminal } from '../progress/tty.ts';
import { CLEAR_LINE } from '../terminal/index.ts';

const REDRAW_EVERY_MS = 500;
const LINE_EVERY_MS = 10_000;

/** Shows how far a comparison is until the signal aborts: JSON lines, one line that is redrawn, or some lines. */
export async function showVerifyProgress(
  verification: ClusterVerification,
  format: OutputFormat,
  { stdout, stderr }: { readonly stdout: Terminal; readonly stderr: Terminal },
  signal: AbortSignal,
): Promise<void> {
  const everyMs = format === 'text' && stderr.isTTY ? REDRAW_EVERY_MS : LINE_EVERY_MS;
  let bytes = 0;
  await systemClock.sleep(everyMs, signal);
  while (!signal.aborted) {
    const progress = verification.progress();
    const bytesPerSecond = Math.max(0, ((progress.bytes - bytes) * 1000) / everyMs);
    bytes = progress.bytes;
    if (format === 'json') stdout.write(`${JSON.stringify({ type: 'progress', ...progress, bytesPerSecond })}\n`);
    else if (stderr.isTTY)
      stderr.write(CLEAR_LINE + describe(progress, bytesPerSecond).slice(0, (stderr.columns ?? 80) - 1));
    else stderr.write(`linkspan verify: ${describe(progress, bytesPerSecond)}\n`);
    await systemClock.sleep(everyMs, signal);
  }
  if (format === 'text' && stderr.isTTY) stderr.write(CLEAR_LINE);
}

function describe(progress: ClusterVerificationProgress, bytesPerSecond: number): string {
  const { phase, collections, collectionsDone, documents, bytes, pending, differences, waiting } = progress;
  const [wait] = waiting;
  if (wait !== undefined) return `waiting for ${wait.for}: ${wait.reason}`;
  return [
    inWords(phase),
    `${formatCount(collectionsDone)} of ${counted(collections, 'collection')}`,
    counted(documents, 'document'),
    `${shownBytes(bytes)}, ${shownBytes(bytesPerSecond)}/s`,
    ...(pending > 0 ? [`${counted(pending, 'key')} to read again`] : []),
    ...(differences > 0 ? [`${formatCount(differences)} different`] : []),
  ].join(', ');
}
