import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { shownBytes } from '../../contract/index.ts';
import type { Steering } from '../api/steering.ts';
import type { CutoverReport } from '../api/types.ts';
import { CopyButton } from '../copy-button.tsx';
import { count, counted, duration, shortDuration } from '../format.ts';
import { migrationText } from '../texts/migration.ts';
import { Time } from '../time.tsx';
import { Fact, Facts, Panel } from './panel.tsx';

/** The report of a cutover that is done, for printing. */
export function ReportPanel({ steering }: { readonly steering: Steering }) {
  const report = useSignal<CutoverReport | undefined>(undefined);
  useEffect(() => {
    const left = new AbortController();
    steering.readReport(left.signal).then(
      (answer) => {
        report.value = answer;
      },
      // A cutover whose record was lost has no report.
      () => undefined,
    );
    return () => left.abort();
  }, [steering]);
  if (report.value === undefined) return null;
  const { pause, copied, indexes, verification, blocked, cleanup, seconds, endedAt, connectionStrings } = report.value;
  const words = migrationText.report;
  return (
    <Panel title={words.title} note={endedAt !== null && <Time iso={endedAt} />}>
      <p class="figures">
        <span>
          <b>{pause.milliseconds === null ? '–' : shortDuration(pause.milliseconds)}</b> {words.pause}
        </span>
        <span>
          <b>{shownBytes(copied.bytes)}</b>{' '}
          {words.copied(counted(copied.documents, 'document'), counted(copied.collections, 'collection'))}
        </span>
        {seconds !== null && (
          <span>
            <b>{duration(seconds)}</b> {words.took}
          </span>
        )}
      </p>
      <Facts isWide>
        <Fact name={words.pauseWhy}>{pause.explanation}</Fact>
        <Fact name={words.verification}>{verification.claim}</Fact>
        <Fact name={words.indexes}>{words.indexesOf(count(indexes.total), count(indexes.unique))}</Fact>
        <Fact name={words.changes}>{count(copied.changesApplied)}</Fact>
        <Fact name={words.before}>
          <code>{connectionStrings.before}</code>
        </Fact>
        <Fact name={words.after}>
          <code>{connectionStrings.after}</code> <CopyButton content={connectionStrings.after} />
        </Fact>
        {blocked.map(({ what, undo }) => (
          <Fact key={what} name={words.blocked}>
            {what} {undo !== undefined && <code>{undo}</code>}
          </Fact>
        ))}
        {cleanup.map(({ what, command }) => (
          <Fact key={what} name={words.cleanup}>
            {what} <code>{command}</code>
          </Fact>
        ))}
      </Facts>
      <button type="button" class="print" onClick={() => print()}>
        {words.print}
      </button>
    </Panel>
  );
}
