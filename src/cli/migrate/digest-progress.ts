import { shownBytes } from '../../contract/index.ts';
import type { DigestProgress } from '../../engine/index.ts';
import { counted, systemClock } from '../../platform/index.ts';
import { formatCount } from '../progress/format.ts';
import type { Terminal } from '../progress/tty.ts';
import { CLEAR_LINE } from '../terminal/index.ts';

const REDRAW_EVERY_MS = 500;
const LINE_EVERY_MS = 10_000;

/** Shows how far a digest is until the signal aborts: one line that is redrawn on a terminal, some lines elsewhere. */
export async function showDigestProgress(progress: DigestProgress, sink: Terminal, signal: AbortSignal): Promise<void> {
  const everyMs = sink.isTTY ? REDRAW_EVERY_MS : LINE_EVERY_MS;
  let bytes = 0;
  await systemClock.sleep(everyMs, signal);
  while (!signal.aborted) {
    const perSecond = ((progress.bytes - bytes) * 1000) / everyMs;
    bytes = progress.bytes;
    const line = describe(progress, perSecond);
    sink.write(sink.isTTY ? CLEAR_LINE + line.slice(0, (sink.columns ?? 80) - 1) : `${line}\n`);
    await systemClock.sleep(everyMs, signal);
  }
  if (sink.isTTY) sink.write(CLEAR_LINE);
}

function describe(
  { collections, collectionsDone, documents, bytes, waiting }: DigestProgress,
  perSecond: number,
): string {
  const [wait] = waiting;
  if (wait !== undefined) return `waiting for ${wait.for}: ${wait.reason}`;
  const read = `${counted(documents, 'document')}, ${shownBytes(bytes)}, ${shownBytes(Math.max(0, perSecond))}/s`;
  return `read ${formatCount(collectionsDone)} of ${counted(collections, 'collection')}, ${read}`;
}
