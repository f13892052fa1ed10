import type { Signal } from '@preact/signals';
import { send } from '../api/client.ts';
import type { MigrationSamples } from '../api/types.ts';
import { text } from '../text.ts';
import { PERIODS, type Period, type Samples } from './samples.ts';

/** The query of the server's history of each period. */
const QUERY: Readonly<Record<Period, string>> = { hour: 'span=SECOND', month: 'span=MINUTE' };
/** The page sees the last hour itself. */
const READ_AGAIN_AFTER_MS: Readonly<Record<Period, number | undefined>> = { hour: undefined, month: 60_000 };

/**
 * Keeps the samples of a period current with the server's history of a migration.
 * @param path  of the migration in the API
 * @returns ends it
 */
export function followHistory(path: string, period: Period, samples: Samples): () => void {
  // A page that was hidden has seen nothing meanwhile; the history has it.
  const read = () => {
    if (document.hidden) return;
    send<MigrationSamples>('GET', `${path}/samples?${QUERY[period]}`).then(
      (history) => samples.addHistory(history),
      // The charts then begin now. The page says why it lacks a connection.
      () => undefined,
    );
  };
  read();
  const everyMs = READ_AGAIN_AFTER_MS[period];
  const timer = everyMs === undefined ? undefined : setInterval(read, everyMs);
  document.addEventListener('visibilitychange', read);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', read);
  };
}

/** Lets the reader choose the period of the charts. */
export function PeriodChoice({ period }: { readonly period: Signal<Period> }) {
  return (
    <select
      class="period"
      aria-label={text.chart.period}
      value={period.value}
      onChange={({ currentTarget: { value } }) => {
        period.value = PERIODS.find((one) => one === value) ?? period.value;
      }}
    >
      {PERIODS.map((one) => (
        <option key={one} value={one}>
          {text.chart.periods[one]}
        </option>
      ))}
    </select>
  );
}
