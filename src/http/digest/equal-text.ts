import { timingSafeEqual } from 'node:crypto';

/** Compares two texts in a time that doesn't depend on their content. */
export function equalText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
