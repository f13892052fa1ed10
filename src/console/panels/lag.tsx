import type { Signal } from '@preact/signals';
import type { LiveMigration } from '../api/types.ts';
import { LineChart } from '../charts/line-chart.tsx';
import { PeriodChoice } from '../charts/period.tsx';
import { type Period, ratesOf, type Sample } from '../charts/samples.ts';
import { count, duration, rate } from '../format.ts';
import { text } from '../text.ts';
import { migrationText } from '../texts/migration.ts';
import { Panel } from './panel.tsx';

interface ChangesProps {
  readonly migration: LiveMigration;
  readonly samples: readonly Sample[];
}

/** How far the destination is behind, and was in a period. */
export function LagPanel({
  migration,
  period,
  samples,
}: ChangesProps & { readonly period: Signal<Period> | undefined }) {
  const { lagTimeSeconds: lag } = migration;
  const shown = lag == null ? '–' : duration(lag);
  return (
    <Panel title={migrationText.lag.title} note={period ? <PeriodChoice period={period} /> : text.chart.sinceOpened}>
      <p class="figure">{shown}</p>
      <LineChart
        label={migrationText.lag.label(period ? text.chart.periods[period.value] : text.chart.sinceOpened, shown)}
        timesMs={samples.map(({ atMs }) => atMs)}
        lines={[
          { name: migrationText.lag.title, colour: 'accent', values: samples.map(({ lagSeconds }) => lagSeconds) },
        ]}
        format={(value) => `${Math.round(value)} s`}
      />
    </Panel>
  );
}

/** Changes read from the source and applied to the destination. */
export function ChangesPanel({ migration, samples }: ChangesProps) {
  const { changes } = migration.linkspan.progress ?? {};
  const [read, applied] = [ratesOf(samples, 'read'), ratesOf(samples, 'applied')];
  const words = migrationText.changes;
  return (
    <Panel title={words.title} note={changes && words.note(count(changes.queued))}>
      <p class="legend">
        <span>
          <i class="line blue" aria-hidden="true" /> {words.read} <b>{rate(read.at(-1))}</b>
        </span>
        <span>
          <i class="line" aria-hidden="true" /> {words.applied} <b>{rate(applied.at(-1))}</b>
        </span>
      </p>
      <LineChart
        label={words.label(rate(read.at(-1)), rate(applied.at(-1)))}
        timesMs={samples.map(({ atMs }) => atMs)}
        lines={[
          { name: words.applied, colour: 'accent', values: applied },
          { name: words.read, colour: 'blue', values: read, isDashed: true },
        ]}
        format={count}
      />
    </Panel>
  );
}
