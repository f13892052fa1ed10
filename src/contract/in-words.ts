/** Returns a value of an enumeration as texts for people have it: `INDEX_MISSING` is `index missing`. */
export function inWords(value: string): string {
  return value.toLowerCase().replaceAll('_', ' ');
}
