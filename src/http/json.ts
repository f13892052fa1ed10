/**
 * Writes JSON as Atlas does: compact by default, keys in alphabetical order. Go and Java clients compare recorded bodies.
 * @param pretty  indented by two spaces
 */
export function atlasJson(value: unknown, pretty: boolean): string {
  return JSON.stringify(sorted(value), null, pretty ? 2 : undefined);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(Reflect.get(value, key))]));
}

/** A time as Atlas writes it: `YYYY-MM-DDTHH:MM:SSZ`. */
export function atlasDate(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
