/**
 * Returns the name of the collection that `convertToCapped` replaces by a temporary one; undefined for the name of any
 * other collection. The server names the temporary one `tmp?????.convertToCapped.NAME`, and renames it at the end (tried
 * on 5.0.4 and 6.0.5).
 */
export function convertedBy(temporary: string): string | undefined {
  return /^tmp.{5}\.convertToCapped\.(.+)$/s.exec(temporary)?.[1];
}
