import type { METRICS, MetricName } from './catalogue.ts';

/** The value of one series at a scrape. */
export type Sample = {
  [Name in MetricName]: {
    readonly name: Name;
    readonly labels: Readonly<Record<(typeof METRICS)[Name]['labels'][number], string>>;
    readonly value: number;
    /** For a counter: the value that counts as 0 when this process shows the series for the first time. */
    readonly from?: number;
  };
}[MetricName];

/** The most migrations, and the most agents, in one scrape. It bounds the series of a busy server. */
export const MOST_SHOWN = 500;

/** Returns a sample for each state: 1 for the current one, 0 for all others. */
export function oneOf(
  states: readonly string[],
  current: string,
  sampleOf: (state: string, value: number) => Sample,
): Sample[] {
  return states.map((state) => sampleOf(state, Number(state === current)));
}
