/**
 * The counters of this process. The counts of a migration are on record, and go back when a copy begins anew, or when an
 * engine resumes from an older checkpoint. Prometheus takes a counter that decreases for one that began at 0, and would
 * count everything twice. So each series here begins at 0 and only ever grows; a decrease adds nothing.
 */
export class ProcessCounters {
  #series = new Map<string, { readonly total: number; readonly last: number }>();

  /**
   * Returns the totals of the current series. A series that is missing is forgotten, and begins anew when it is back.
   * @param current  the counts by key, and the count from which a new series begins
   */
  advance(
    current: ReadonlyMap<string, { readonly value: number; readonly from: number }>,
  ): ReadonlyMap<string, number> {
    const next = new Map<string, { readonly total: number; readonly last: number }>();
    for (const [key, { value, from }] of current) {
      const { total, last } = this.#series.get(key) ?? { total: 0, last: from };
      next.set(key, { total: total + Math.max(0, value - last), last: value });
    }
    this.#series = next;
    return new Map([...next].map(([key, { total }]) => [key, total]));
  }
}
