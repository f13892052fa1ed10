import { type Progress, shownBytes } from '../../contract/index.ts';
import { formatCount } from './format.ts';

/** Describes the checkpoint that a run resumed from; undefined for the first run of a migration. */
export function resumedText({ resumedFrom }: Progress): string | undefined {
  if (resumedFrom === undefined) return undefined;
  const { savedAt, documentsCopied, bytesCopied } = resumedFrom;
  const at = savedAt === null ? '' : ` of ${savedAt}`;
  return `from the checkpoint${at}: ${formatCount(documentsCopied)} documents (${shownBytes(bytesCopied)}) were copied`;
}
