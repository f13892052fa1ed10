import { timingSafeEqual } from 'node:crypto';

/** Compares in a time that depends on neither text's content. */
export function equalText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
