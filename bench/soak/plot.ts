import type { Sample } from './recorder.ts';
import { secondsOf } from './report.ts';

const WIDTH = 900;
const PANEL_HEIGHT = 160;
const LEFT = 70;
const RIGHT = WIDTH - 20;

type Figure = (sample: Sample) => number | null | undefined;

const PANELS: readonly { readonly title: string; readonly lines: Readonly<Record<string, Figure>> }[] = [
  {
    title: 'bytes/s: initial sync (blue), verification (orange)',
    lines: { '#1f77b4': (one) => one.copyBytesPerSecond, '#ff7f0e': (one) => one.compareBytesPerSecond },
  },
  { title: 'lag in seconds', lines: { '#d62728': (one) => one.lagSeconds } },
  {
    title: 'memory in MB: resident (green), heap (grey)',
    lines: { '#2ca02c': (one) => one.rssMegabytes, '#7f7f7f': (one) => one.heapMegabytes },
  },
];

/** Returns a plot of the migration's rate, lag and memory over time, as SVG. */
export function plotOf(all: readonly Sample[]): string {
  const samples = all.filter(({ phase }) => phase !== 'load');
  const times: number[] = [];
  let total = 1;
  for (const seconds of secondsOf(samples)) {
    times.push(total);
    total += seconds;
  }
  const panels = PANELS.map(({ title, lines }, n) => {
    const [top, bottom] = [n * PANEL_HEIGHT + 30, (n + 1) * PANEL_HEIGHT - 10];
    const figures = Object.values(lines);
    const most = samples.reduce((sum, one) => Math.max(sum, ...figures.map((figure) => figure(one) ?? 0)), 1);
    const pathOf = (figure: Figure) =>
      samples
        .map((sample, at) => {
          const value = figure(sample) ?? undefined;
          if (value === undefined) return '';
          const before = samples[at - 1];
          const x = LEFT + ((times[at] ?? 0) / total) * (RIGHT - LEFT);
          const y = bottom - (value / most) * (bottom - top);
          return `${(before && figure(before)) == null ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
        })
        .join('');
    return [
      `<text x="${LEFT}" y="${top - 8}">${title}, at most ${Math.round(most).toLocaleString('en')}</text>`,
      `<path d="M${LEFT} ${top}V${bottom}H${RIGHT}" stroke="#999"/>`,
      ...Object.entries(lines).map(([colour, figure]) => `<path d="${pathOf(figure)}" stroke="${colour}"/>`),
    ].join('\n');
  });
  const height = PANELS.length * PANEL_HEIGHT + 20;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" role="img" aria-label="Rates, lag and memory of a soak, by second">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<g fill="none">${panels.join('\n').replaceAll('<text', '<text fill="#000"')}</g>
<text x="${RIGHT}" y="${height - 6}" text-anchor="end">${Math.round(total)} s</text>
</svg>
`;
}
