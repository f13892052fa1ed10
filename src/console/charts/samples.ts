import { signal } from '@preact/signals';
import type { LiveMigration, MigrationSamples } from '../api/types.ts';

/** One look at a migration. */
export interface Sample {
  readonly atMs: number;
  readonly lagSeconds: number | null;
  /** Changes that the agent has read and applied in all; null if unknown. */
  readonly read: number | null;
  readonly applied: number | null;
}

/** The times that a chart can show: an hour in seconds, or 30 days in minutes. */
export const PERIODS = ['hour', 'month'] as const;

export type Period = (typeof PERIODS)[number];

/** An hour at one look a second; the server keeps 30 days at one a minute. */
const MOST_SAMPLES: Readonly<Record<Period, number>> = { hour: 3600, month: 43_200 };

/** Samples that are further apart, in milliseconds, have a gap between them, because the agent or the server was silent. */
const GAP_MS: Readonly<Record<Period, number>> = { hour: 30_000, month: 180_000 };

/**
 * A period of a migration: the history of the server, and the samples that the page has received since. Bounded; the
 * oldest go first.
 */
export class Samples {
  readonly all = signal<readonly Sample[]>([]);
  readonly #most: number;
  readonly #gapMs: number;

  constructor(period: Period) {
    this.#most = MOST_SAMPLES[period];
    this.#gapMs = GAP_MS[period];
  }

  /** Puts the server's history before the samples of the page. */
  addHistory({ at, lagTimeSeconds, changesRead, changesApplied }: MigrationSamples): void {
    const past = at.map((iso, index) => ({
      atMs: Date.parse(iso),
      lagSeconds: lagTimeSeconds[index] ?? null,
      read: changesRead[index] ?? null,
      applied: changesApplied[index] ?? null,
    }));
    const last = past.at(-1)?.atMs ?? 0;
    const seen = this.all.value.filter(({ atMs }) => atMs > last);
    this.all.value = [...past, ...seen]
      .flatMap((one, index, all) => this.#afterGap(one, all[index - 1]))
      .slice(-this.#most);
  }

  /** @param atMs  by the server's clock, as the history is */
  add({ lagTimeSeconds, linkspan: { progress } }: LiveMigration, atMs: number): void {
    if (!progress) return;
    const { read, applied } = progress.changes;
    const sample = { atMs, lagSeconds: lagTimeSeconds ?? null, read, applied };
    const kept = this.all.value;
    // Two snapshots of one second say the same twice.
    const before = atMs - (kept.at(-1)?.atMs ?? 0) < 500 ? kept.slice(0, -1) : kept;
    this.all.value = [...before, ...this.#afterGap(sample, before.at(-1))].slice(-this.#most);
  }

  /** The sample, after one without values if there is a gap before it. */
  #afterGap(sample: Sample, before: Sample | undefined): Sample[] {
    if (before === undefined || sample.atMs - before.atMs <= this.#gapMs) return [sample];
    return [{ atMs: before.atMs + 1, lagSeconds: null, read: null, applied: null }, sample];
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
    const [value, earlier] = [sample[field], before[field]];
    if (value === null || earlier === null) return null;
    const grown = value - earlier;
    return grown < 0 ? null : (grown * 1000) / (sample.atMs - before.atMs);
  });
}
