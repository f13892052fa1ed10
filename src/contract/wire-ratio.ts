import type { Compression } from './compression.ts';

/** Returns how many bytes of messages one byte on the wire has carried, as `2.7 : 1`. */
export function wireRatio({ source, destination }: Compression): string {
  const sides = [source, destination].filter((side) => side !== undefined);
  const sum = (name: 'wireBytes' | 'messageBytes') => sides.reduce((total, side) => total + side[name], 0);
  return `${(sum('messageBytes') / Math.max(1, sum('wireBytes'))).toFixed(1)} : 1`;
}
