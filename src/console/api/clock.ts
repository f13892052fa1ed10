import { signal } from '@preact/signals';

/** The time of this browser, once a second: texts such as "4 s ago" follow it. */
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);

let offsetMs = 0;

/** Notes the server's clock from an answer, so that durations since a server's time don't depend on this browser's clock. */
export function noteServerTime(answer: Response): void {
  const at = Date.parse(answer.headers.get('date') ?? '');
  // The header has whole seconds; half a second more is right on average.
  if (Number.isFinite(at)) offsetMs = at + 500 - Date.now();
}

/** The server's time as far as it is known, from a time of this browser; exact to about a second. */
export function serverTime(browserMs: number): number {
  return browserMs + (Math.abs(offsetMs) < 2000 ? 0 : offsetMs);
}
