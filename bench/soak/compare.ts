import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { compareClusters } from '../../test/support/compare-clusters.ts';
import type { Soak } from './soak.ts';

/** Compares both sides byte by byte, with a program that shares no code with Linkspan. */
export async function compare({ servers }: Soak): Promise<string> {
  const { source, destination } = servers.pair;
  const { differences, collections, documents, bytes } = await compareClusters(source.client, destination.client);
  if (differences.length > 0) throw new Error(`The sides differ:\n${differences.join('\n')}`);
  return `${collections} collections, ${documents} documents, ${(bytes / 1e9).toFixed(2)} GB are the same on both sides`;
}

/** Removes the data of both sides. State and record stay. */
export function removeData(folder: string): void {
  for (const side of ['source', 'destination']) rmSync(join(folder, side), { recursive: true, force: true });
}
