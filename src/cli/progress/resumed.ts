import type { Progress } from '../../engine/index.ts';
import { formatBytes, formatCount } from './format.ts';

/** Describes the checkpoint that a run resumed from; undefined for the first run of a migration. */
export function resumedText({ resumedFrom }: Progress): string | undefined {
  if (resumedFrom === undefined) return undefined;
  const { savedAtMs, documentsCopied, bytesCopied } = resumedFrom;
  const at = savedAtMs === null ? '' : ` of ${new Date(savedAtMs).toISOString()}`;
  return `from the checkpoint${at}: ${formatCount(documentsCopied)} documents (${formatBytes(bytesCopied)}) were copied`;
}
