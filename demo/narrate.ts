const started = performance.now();

/** One line of what the demonstration is doing, with the seconds since its start. */
export function narrate(text: string): void {
  const seconds = ((performance.now() - started) / 1_000).toFixed(1).padStart(5);
  console.log(`${seconds} s  ${text}`);
}

/** 12,345 */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** 12.3 MB */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
