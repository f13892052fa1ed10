import { useSignal } from '@preact/signals';
import { text } from './text.ts';

const SHOWN_MS = 2000;

/** Copies a text to the clipboard, and says so. Absent where the browser has no clipboard, as over plain HTTP. */
export function CopyButton({ content }: { readonly content: string }) {
  const isDone = useSignal(false);
  if (navigator.clipboard === undefined) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(content);
    isDone.value = true;
    setTimeout(() => {
      isDone.value = false;
    }, SHOWN_MS);
  };
  return (
    <button type="button" class="quiet" onClick={() => void copy().catch(() => undefined)}>
      {isDone.value ? text.copied : text.copyText}
    </button>
  );
}
