import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { utcTime } from '../format.ts';
import { text } from '../text.ts';
import { areaPath, type Frame, linePath, timeTicks, valueTicks, xOf, yOf } from './plot.ts';

/** One line of a chart. */
export interface Line {
  readonly name: string;
  /** A class of panels.css. */
  readonly colour: 'accent' | 'blue';
  readonly values: readonly (number | null)[];
  /** Lines differ by more than their colour. */
  readonly isDashed?: boolean;
}

interface LineChartProps {
  /** The chart in words, for people who don't see it. */
  readonly label: string;
  readonly timesMs: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}

const HEIGHT = 168;
const ROWS = 12;
const DAY_MS = 86_400_000;
/** The shortest time that a chart shows, so that the first samples don't jump. */
const SHORTEST_MS = 60_000;
/** The edges of the lines within the chart, in pixels; the right one is a distance. */
const EDGES = { left: 56, right: 28, top: 8, bottom: HEIGHT - 28 };
const ROWS_OF_GRID = 4;
/** The least distance of two times on the axis, in pixels. */
const TICK_SPACE = 90;

/** A chart of lines over time, and the same figures as a table. */
export function LineChart({ label, timesMs, lines, format }: LineChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const resized = new ResizeObserver(() => {
      width.value = element.clientWidth;
    });
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  return (
    <>
      <div class="chart" ref={place} role="img" aria-label={label}>
        {width.value > 0 && <Plot timesMs={timesMs} lines={lines} format={format} width={width.value} />}
      </div>
      <ChartTable timesMs={timesMs} lines={lines} format={format} />
    </>
  );
}

function Plot({ timesMs, lines, format, width }: Omit<LineChartProps, 'label'> & { readonly width: number }) {
  const toMs = timesMs.at(-1) ?? Date.now();
  const highest = lines.reduce((most, { values }) => values.reduce<number>(larger, most), 0);
  const frame: Frame = {
    ...EDGES,
    right: width - EDGES.right,
    // There is no time before the first sample.
    fromMs: Math.min(timesMs[0] ?? toMs, toMs - SHORTEST_MS),
    toMs,
    most: Math.max(1, highest * 1.15),
  };
  const { left, right, bottom } = frame;
  const times = timeTicks(frame.fromMs, toMs, (right - left) / TICK_SPACE);
  const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  return (
    <svg width={width} height={HEIGHT} aria-hidden="true">
      {valueTicks(frame.most, ROWS_OF_GRID).map((value) => (
        <g key={value}>
          <path class="grid-line" d={`M${left},${yOf(frame, value)}H${right}`} />
          <text x={left - 8} y={yOf(frame, value) + 4} text-anchor="end">
            {format(value)}
          </text>
        </g>
      ))}
      {times.map((atMs) => (
        <g key={atMs}>
          <path class="grid-line" d={`M${xOf(frame, atMs)},${frame.top}V${bottom}`} />
          <text x={xOf(frame, atMs)} y={bottom + 20} text-anchor="middle">
            {timeOf(atMs, spanMs)}
          </text>
        </g>
      ))}
      {lines.map(({ name, colour, isDashed, values }) => (
        <g key={name} class={`${colour} ${isDashed ? 'dashed' : ''}`}>
          {!isDashed && <path class="area" d={areaPath(frame, { timesMs, values })} />}
          <path class="value" d={linePath(frame, { timesMs, values })} />
        </g>
      ))}
    </svg>
  );
}

const larger = (most: number, value: number | null) => Math.max(most, value ?? 0);

function ChartTable({ timesMs, lines, format }: Omit<LineChartProps, 'label'>) {
  const step = Math.max(1, Math.ceil(timesMs.length / ROWS));
  const rows = timesMs.map((_, at) => at).filter((at) => (timesMs.length - 1 - at) % step === 0);
  return (
    <details class="small">
      <summary>{text.chart.table}</summary>
      <table>
        <thead>
          <tr>
            <th>{text.chart.time}</th>
            {lines.map(({ name }) => (
              <th key={name} class="n">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.toReversed().map((at) => (
            <tr key={timesMs[at]}>
              <td>{utcTime(new Date(timesMs[at] ?? 0).toISOString(), Date.now())}</td>
              {lines.map(({ name, values }) => (
                <td key={name} class="n">
                  {values[at] == null ? '–' : format(values[at])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

/** The time of a tick: with its day once the ticks cover more than one, then without seconds. */
function timeOf(atMs: number, overMs: number): string {
  const iso = new Date(atMs).toISOString();
  return overMs < DAY_MS ? iso.slice(11, 19) : iso.slice(5, 16).replace('T', ' ');
}
