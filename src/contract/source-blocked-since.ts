import type { Progress } from './progress.ts';

/** Since when the source refuses users' writes, or may do so; null while it takes them. */
export function sourceBlockedSince({ cutover, since }: Pick<Progress, 'cutover' | 'since'>): string | null {
  return cutover?.blocking ? (cutover.sourceBlockedAt ?? since) : null;
}
