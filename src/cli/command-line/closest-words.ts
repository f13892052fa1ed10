/** A prefix with fewer letters matches too many words. */
const LEAST_LETTERS = 3;

/**
 * Returns words that differ from the given one only by case and dashes. If there are none: words that share a prefix with it, where the last
 * letter of the shorter one may differ. Commander itself only corrects typing errors: `--drop` is too far from `--drop-destination` for it.
 */
export function closestWords(word: string, words: readonly string[]): string[] {
  const letters = lettersOf(word);
  const known = [...new Set(words)].sort();
  const same = known.filter((one) => lettersOf(one) === letters);
  return same.length > 0 ? same : known.filter((one) => beginsAlike(lettersOf(one), letters));
}

function beginsAlike(a: string, b: string): boolean {
  const [short = '', long = ''] = a.length < b.length ? [a, b] : [b, a];
  return long.startsWith(short.slice(0, Math.max(LEAST_LETTERS, short.length - 1))) && short.length >= LEAST_LETTERS;
}

function lettersOf(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}
