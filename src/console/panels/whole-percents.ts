/**
 * Rounds shares of 1 to whole percents with the same sum: the shares that lose most by rounding down are rounded up.
 * @param shares  parts whose sum is 1
 */
export function wholePercents(shares: readonly number[]): number[] {
  const exact = shares.map((share) => share * 100);
  const percents = exact.map(Math.floor);
  const missing =
    Math.round(exact.reduce((sum, each) => sum + each, 0)) - percents.reduce((sum, each) => sum + each, 0);
  const lost = (at: number) => (exact[at] ?? 0) - (percents[at] ?? 0);
  const places = [...percents.keys()].sort((a, b) => lost(b) - lost(a));
  for (const at of places.slice(0, missing)) percents[at] = (percents[at] ?? 0) + 1;
  return percents;
}
