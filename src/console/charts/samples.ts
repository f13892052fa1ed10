import { signal } from '@preact/signals';
import type { LiveMigration, MigrationHistory } from '../api/types.ts';

/** One look at a migration. */
export interface Sample {
  readonly atMs: number;
  readonly lagSeconds: number | null;
  /** Changes that the agent has read and applied in all; null while unknown. */
  readonly read: number | null;
  readonly applied: number | null;
}

/** An hour at one look a second. */
const MOST_SAMPLES = 3600;

/** The looks of the last hour, the server's and those since the page was opened: bounded, the oldest go first. */
export class Samples {
  readonly all = signal<readonly Sample[]>([]);

  /** Takes the server's history, from before the page was opened. */
  begin({ at, lagTimeSeconds, changesRead, changesApplied }: MigrationHistory): void {
    const kept = this.all.value;
    const firstMs = kept[0]?.atMs ?? Number.POSITIVE_INFINITY;
    const earlier = at.map((time, n): Sample => {
      const [lagSeconds = null, read = null, applied = null] = [lagTimeSeconds[n], changesRead[n], changesApplied[n]];
      return { atMs: Date.parse(time), lagSeconds, read, applied };
    });
    this.all.value = [...earlier.filter(({ atMs }) => atMs < firstMs), ...kept].slice(-MOST_SAMPLES);
  }

  /** @param atMs  the server's time */
  add({ lagTimeSeconds, linkspan: { progress } }: LiveMigration, atMs: number): void {
    if (!progress) return;
    const { read, applied } = progress.changes;
    const sample = { atMs, lagSeconds: lagTimeSeconds ?? null, read, applied };
    const kept = this.all.value;
    // Two snapshots of one second say the same twice.
    const before = atMs - (kept.at(-1)?.atMs ?? 0) < 500 ? kept.slice(0, -1) : kept;
    this.all.value = [...before, sample].slice(-MOST_SAMPLES);
  }
}

/** The seconds over which a rate is measured: an agent reports once in one to ten seconds. */
const RATE_OVER_MS = 10_000;

/** The growth of a count per second at each sample; null where it is unknown, or where an agent began to count anew. */
export function ratesOf(samples: readonly Sample[], field: 'read' | 'applied'): (number | null)[] {
  let from = 0;
  return samples.map((sample, at) => {
    while (from < at && sample.atMs - (samples[from + 1]?.atMs ?? 0) >= RATE_OVER_MS) from += 1;
    const before = samples[from];
    if (!before || at === from) return null;
    const [now, then] = [sample[field], before[field]];
    const grown = now === null || then === null ? -1 : now - then;
    return grown < 0 ? null : (grown * 1000) / (sample.atMs - before.atMs);
  });
}
