/** Replaces control characters by blanks, so that a name cannot add a line or control the terminal. */
export function withoutControls(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
