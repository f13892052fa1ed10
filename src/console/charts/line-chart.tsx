import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { utcTime } from '../format.ts';
import { text } from '../text.ts';

/** One line of a chart. */
export interface Line {
  readonly name: string;
  /** A custom property with its colour. */
  readonly colour: '--accent' | '--blue';
  readonly values: readonly (number | null)[];
  /** Dashes, so that lines differ by more than their colour. */
  readonly dash?: readonly number[];
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
const DAY_SECONDS = 86_400;
/** The shortest time that a chart shows, so that the first samples don't jump. */
const SHORTEST_SECONDS = 60;
/** Steps of the vertical axis: neither seconds nor changes have fractions worth a line. */
const WHOLE = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();

/** A chart of lines over time, and the same figures as a table. */
export function LineChart({ label, timesMs, lines, format }: LineChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const draw = () => {
      chart.current?.destroy();
      chart.current = new uPlot(optionsOf(lines, element.clientWidth, format), [[], ...lines.map(() => [])], element);
    };
    draw();
    const resized = new ResizeObserver(() => chart.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    scheme.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      scheme.removeEventListener('change', draw);
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, []);

  useEffect(() => {
    chart.current?.setData([timesMs.map((ms) => ms / 1000), ...lines.map(({ values }) => [...values])]);
  });

  return (
    <>
      <div class="chart" ref={place} role="img" aria-label={label} />
      <ChartTable timesMs={timesMs} lines={lines} format={format} />
    </>
  );
}

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
function timeOf(seconds: number, overSeconds: number): string {
  const iso = new Date(seconds * 1000).toISOString();
  return overSeconds < DAY_SECONDS ? iso.slice(11, 19) : iso.slice(5, 16).replace('T', ' ');
}

function optionsOf(lines: readonly Line[], width: number, format: (value: number) => string): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--mute'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: {
      x: {
        range: (_chart, min, max) => {
          // There is no time before the first sample.
          const last = max ?? Date.now() / 1000;
          return [Math.min(min ?? last, last - SHORTEST_SECONDS), last];
        },
      },
      y: { range: (_chart, _min, max) => [0, Math.max(1, (max ?? 0) * 1.15)] },
    },
    axes: [
      {
        ...axis,
        values: (_chart, ticks) => ticks.map((at) => timeOf(at, (ticks.at(-1) ?? 0) - (ticks[0] ?? 0))),
        space: 90,
        size: 28,
      },
      { ...axis, values: (_chart, ticks) => ticks.map(format), incrs: WHOLE, size: 56 },
    ],
    series: [
      {},
      ...lines.map(({ name, colour: stroke, dash }) => ({
        label: name,
        stroke: colour(stroke),
        width: 2,
        points: { show: false },
        ...(dash ? { dash: [...dash] } : { fill: `color-mix(in srgb, ${colour(stroke)} 12%, transparent)` }),
      })),
    ],
  };
}
