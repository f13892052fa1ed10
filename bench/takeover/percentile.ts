/** Returns the value below which a share of the values is, in the values' unit; empty without values. */
export function percentile(all: readonly number[], share: number): string {
  if (all.length === 0) return '';
  const sorted = [...all].sort((a, b) => a - b);
  return (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN).toFixed(1);
}
