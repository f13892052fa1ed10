/** One way to do the measured work. */
export interface Contender {
  readonly name: string;
  /** Does the work once. Every contender starts from the same state. @returns seconds */
  run(): Promise<number>;
}

export interface Measurement {
  readonly name: string;
  readonly seconds: Spread;
  /** Ratio of the first contender's time to this one's in each round, so that changes of the machine's speed cancel out. Absent for the first. */
  readonly ratio?: Spread;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Measures all contenders in each round, one after the other, so that other load of the machine affects all of them. The order changes from
 * round to round. A warm-up round is not counted.
 * @param afterRound  prepares the next round
 */
export async function measure(
  contenders: readonly Contender[],
  rounds: number,
  afterRound: () => void = () => undefined,
): Promise<Measurement[]> {
  const seconds = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = -1; round < rounds; round += 1) {
    const shift = Math.max(0, round) % contenders.length;
    for (const { name, run } of [...contenders.slice(shift), ...contenders.slice(0, shift)]) {
      const took = await run();
      if (round >= 0) seconds.get(name)?.push(took);
      console.error(`${round < 0 ? 'warm-up' : `round ${round + 1}`}: ${name} ${took.toFixed(2)} s`);
    }
    afterRound();
  }
  const [first = []] = seconds.values();
  return [...seconds].map(([name, all], n) => {
    if (n === 0) return { name, seconds: spreadOf(all) };
    return { name, seconds: spreadOf(all), ratio: spreadOf(all.map((own, round) => (first[round] ?? 0) / own)) };
  });
}

/** Prints a table for people and one line of JSON for programs. */
export function report(title: string, work: number, unit: string, measurements: readonly Measurement[]): void {
  const [first] = measurements;
  console.log(`\n${title}`);
  console.table(
    measurements.map(({ name, seconds, ratio }) => ({
      '': name,
      'seconds (min–max)': show(seconds),
      [`${unit}/s`]: Math.round(work / seconds.median),
      [`${first?.name} ÷ it (min–max)`]: ratio === undefined ? '' : show(ratio),
    })),
  );
  console.log(JSON.stringify({ title, work, unit, measurements }));
}

/** Returns median, least and greatest of the values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
  return { median, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
}

function show({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

/** Returns the duration of the work in seconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}
