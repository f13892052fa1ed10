import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { percentile } from './load.ts';

/** Returns the median time of appending and syncing 4 KiB, in milliseconds: the minimum cost of a durable write. */
export function medianSyncMs(folder: string, times: number): number {
  const descriptor = openSync(join(folder, 'sync'), 'a');
  const page = Buffer.alloc(4096, 'x');
  const tookMs = Array.from({ length: times }, () => {
    const began = performance.now();
    writeSync(descriptor, page);
    fdatasyncSync(descriptor);
    return performance.now() - began;
  });
  closeSync(descriptor);
  return percentile(
    tookMs.sort((a, b) => a - b),
    0.5,
  );
}
