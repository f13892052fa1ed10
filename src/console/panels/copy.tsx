import { shownBytes } from '../../contract/index.ts';
import type { LiveMigration } from '../api/types.ts';
import { count, duration, percent, rate } from '../format.ts';
import { migrationText } from '../texts/migration.ts';
import { Bar, Fact, Facts, Panel } from './panel.tsx';

type Progress = NonNullable<LiveMigration['linkspan']['progress']>;

/** How much of the initial sync is done, and how fast it is. */
export function CopyPanel({ progress, columns }: { readonly progress: Progress; readonly columns: 8 | 12 }) {
  const { copy, rates, indexes, etaSeconds, state } = progress;
  const words = migrationText.copy;
  const isCopying = state === 'COPYING';
  const rows = [
    [words.data, copy.bytesCopied, copy.bytesTotal, shownBytes],
    [words.documents, copy.documentsCopied, copy.documentsTotal, count],
    [words.collections, copy.collectionsDone, copy.collectionsTotal, count],
    [words.indexes, indexes.built, indexes.total, count],
  ] as const;
  const share = percent(copy.bytesCopied, copy.bytesTotal);
  return (
    <Panel title={words.title} note={share === undefined ? '' : `${share} %`} columns={columns}>
      <ul class="bars">
        {rows.map(([name, done, total, unit]) => (
          <li key={name}>
            <span>{name}</span>
            <Bar share={total === 0 ? 100 : percent(done, total)} />
            <span class="mute">{words.of(unit(done), unit(total))}</span>
          </li>
        ))}
      </ul>
      {isCopying && (
        <Facts>
          <Fact name={words.rate}>{rate(rates?.bytesPerSecond, shownBytes)}</Fact>
          <Fact name={words.documentRate}>{rate(rates?.documentsPerSecond)}</Fact>
          <Fact name={words.left}>{etaSeconds == null ? '–' : duration(etaSeconds)}</Fact>
        </Facts>
      )}
      {(indexes.building ?? []).map(({ namespace, done, total }) => (
        <p key={namespace} class="small mute">
          {words.building(namespace, percent(done, total) ?? 0)}
        </p>
      ))}
      {(copy.restarts ?? 0) > 0 && <p class="small mute">{words.restarts(copy.restarts ?? 0)}</p>}
    </Panel>
  );
}
