import type { LiveMigration } from '../api/types.ts';
import { count } from '../format.ts';
import { migrationText } from '../texts/migration.ts';
import { Panel } from './panel.tsx';
import { wholePercents } from './whole-percents.ts';

const words = migrationText.limits;

type TimeShares = NonNullable<NonNullable<LiveMigration['linkspan']['progress']>['timeShares']>;

const ORDER = ['sourceRead', 'destinationWrite', 'engine', 'throttled', 'memory', 'idle'] as const;

/** The uses of the time of copying and applying: a bar, the same as a table, and what would help. */
export function LimitsPanel({ shares }: { readonly shares: TimeShares }) {
  const percents = wholePercents(ORDER.map((name) => shares[name]));
  const rows = ORDER.map((name, at) => ({ name, percent: percents[at] ?? 0 }));
  const shown = rows.filter(({ percent }) => percent > 0);
  const [largest] = shown.toSorted((a, b) => b.percent - a.percent);
  const spoken = shown.map(({ name, percent }) => `${words.shares[name]} ${words.percent(percent)}`).join(', ');
  return (
    <Panel title={words.title} note={words.note(count(shares.seconds))}>
      <div class="split" role="img" aria-label={words.label(spoken)}>
        {shown.map(({ name, percent }) => (
          <i key={name} class={`share ${name}`} style={{ flexGrow: percent }} />
        ))}
      </div>
      <table class="shares">
        <thead class="unseen">
          <tr>
            <th>{words.what}</th>
            <th>{words.share}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, percent }) => (
            <tr key={name}>
              <th scope="row">
                <i class={`share ${name}`} aria-hidden="true" /> {words.shares[name]}
              </th>
              <td class="n">{words.percent(percent)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {largest && <p class="small mute">{words.advice[largest.name]}</p>}
    </Panel>
  );
}
