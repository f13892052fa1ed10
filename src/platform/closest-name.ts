/** More slips than that make another word. */
const MOST_SLIPS = 2;

/** The known name that a misspelt one is closest to, whatever its case; undefined where none is close. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((one) => ({ one, slips: slipsBetween(name.toLowerCase(), one.toLowerCase()) }))
    .filter(({ one, slips }) => slips <= Math.min(MOST_SLIPS, one.length / 2))
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.one;
}

/** The letters to add, to leave out or to change that make one word of the other. */
function slipsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [above, letter] of [...a].entries()) {
    const next = [above + 1];
    for (const [at, other] of [...b].entries()) {
      const changed = (row[at] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(changed, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
