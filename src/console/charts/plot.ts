/** A place on a chart, in CSS pixels. */
type Point = readonly [x: number, y: number];

/** The values of a line over time. */
export interface Series {
  readonly timesMs: readonly number[];
  /** Null where the value is unknown: the line has a gap there. */
  readonly values: readonly (number | null)[];
}

/** Where a chart is drawn, and the times and values at its edges. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** The value at the top; 0 is at the bottom. */
  readonly most: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Steps of the time axis, in milliseconds. */
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 5, 10].map((days) => days * DAY_MS),
];

/** Steps of the vertical axis: neither seconds nor changes have fractions worth a line. */
const WHOLE_STEPS = Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();

/** The values at which the vertical axis has a line, from 0. @param most  the highest value @param lines  how many lines fit */
export function valueTicks(most: number, lines: number): number[] {
  const step = WHOLE_STEPS.find((each) => most / each <= lines) ?? most;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, at) => at * step);
}

/** The times at which the time axis has a line, in milliseconds since 1970. @param lines  how many lines fit */
export function timeTicks(fromMs: number, toMs: number, lines: number): number[] {
  const step = TIME_STEPS.find((each) => (toMs - fromMs) / each <= lines) ?? toMs - fromMs;
  const first = Math.ceil(fromMs / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((toMs - first) / step) + 1) }, (_, at) => first + at * step);
}

export function xOf({ left, right, fromMs, toMs }: Frame, atMs: number): number {
  return left + ((atMs - fromMs) / (toMs - fromMs)) * (right - left);
}

export function yOf({ top, bottom, most }: Frame, value: number): number {
  return bottom - (value / most) * (bottom - top);
}

/** The path of a line for SVG: at most two points a pixel, so that a month has no more than an hour, and no peak is lost. */
export function linePath(frame: Frame, series: Series): string {
  return runsOf(frame, series).map(pathOf).join('');
}

/** The path of the area below a line. */
export function areaPath(frame: Frame, series: Series): string {
  const close = (run: readonly Point[]) => `L${run.at(-1)?.[0]},${frame.bottom}L${run[0]?.[0]},${frame.bottom}Z`;
  return runsOf(frame, series)
    .map((run) => pathOf(run) + close(run))
    .join('');
}

const pathOf = (run: readonly Point[]) => `M${run.map(([x, y]) => `${x},${y.toFixed(1)}`).join('L')}`;

/** The points of a line, in runs without a gap. */
function runsOf(frame: Frame, { timesMs, values }: Series): readonly (readonly Point[])[] {
  const runs: Point[][] = [];
  let run: Point[] | undefined;
  values.forEach((value, at) => {
    if (value === null) {
      run = undefined;
      return;
    }
    const point: Point = [Math.round(xOf(frame, timesMs[at] ?? 0)), yOf(frame, value)];
    if (run === undefined) {
      run = [];
      runs.push(run);
    }
    const [first, last] = run.slice(-2);
    // A third point of one pixel: the highest and the lowest stay.
    if (first && last && first[0] === point[0] && last[0] === point[0]) {
      const ys = [first[1], last[1], point[1]];
      run.splice(-2, 2, [point[0], Math.min(...ys)], [point[0], Math.max(...ys)]);
    } else run.push(point);
  });
  return runs;
}
