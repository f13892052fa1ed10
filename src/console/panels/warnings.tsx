import type { LiveMigration } from '../api/types.ts';
import { CopyButton } from '../copy-button.tsx';
import { Icon } from '../icon.tsx';
import { migrationText } from '../texts/migration.ts';
import { Time } from '../time.tsx';
import { WithCode } from '../with-code.tsx';
import { Panel } from './panel.tsx';

type Finding = LiveMigration['linkspan']['findings'][number];

interface Note {
  readonly key: string;
  readonly message: string;
  readonly remedy?: string;
  readonly since?: string;
  readonly tone: 'bad' | 'warn';
}

/** Everything that an operator should read: the error, what the migration waits for, findings and warnings. */
export function WarningsPanel({ migration }: { readonly migration: LiveMigration }) {
  const notes = notesOf(migration);
  if (notes.length === 0) return null;
  return (
    <Panel title={migrationText.warnings.title} note={String(notes.length)}>
      <Notes notes={notes} />
    </Panel>
  );
}

/** Messages, each with its remedy and a button to copy both. */
export function Notes({ notes }: { readonly notes: readonly Note[] }) {
  return (
    <ul class="notes">
      {notes.map(({ key, message, remedy, since, tone }) => (
        <li key={key}>
          <Icon name={tone === 'bad' ? 'failed' : 'warning'} tone={tone} />
          <div>
            <p>
              <WithCode content={message} />
            </p>
            {remedy !== undefined && (
              <p class="mute small">
                <WithCode content={remedy} />
              </p>
            )}
            {since !== undefined && (
              <p class="mute small">
                {migrationText.warnings.since} <Time iso={since} />
              </p>
            )}
          </div>
          <CopyButton content={[message, remedy].filter(Boolean).join(' ')} />
        </li>
      ))}
    </ul>
  );
}

/** Findings of a check, errors first. */
export function notesOfFindings(findings: readonly Finding[]): Note[] {
  return findings
    .toSorted((a, b) => a.severity.localeCompare(b.severity))
    .map(({ code, namespace, message, remedy, severity }) => ({
      key: `${code} ${namespace}`,
      message,
      remedy: `${remedy} [${code}]`,
      tone: severity === 'ERROR' ? 'bad' : 'warn',
    }));
}

function notesOf({ errorMessage, linkspan }: LiveMigration): Note[] {
  // The headline says why a migration was cancelled, and nothing is wrong.
  const isWrong = errorMessage !== undefined && linkspan.stage !== 'CANCELLED';
  const { waiting, warnings, findings, progress, failback } = linkspan;
  const error = failback?.error;
  // The warnings of a run repeat its findings.
  const told = new Set([errorMessage, ...findings.map(({ message }) => message)]);
  const plain = [...warnings, ...(failback?.warnings ?? []), ...(progress?.warnings ?? [])];
  return [
    ...(isWrong ? [{ key: 'error', message: errorMessage, tone: 'bad' as const }] : []),
    ...(error ? [{ key: 'failback', message: error.message, remedy: error.remedy, tone: 'bad' as const }] : []),
    ...waiting.map((wait) => ({
      key: `wait ${wait.for}`,
      message: migrationText.warnings.waits(wait.for, wait.reason),
      since: wait.since,
      tone: 'warn' as const,
    })),
    ...[...new Set(plain)]
      .filter((message) => !told.has(message))
      .map((message) => ({ key: message, message, tone: 'warn' as const })),
    ...notesOfFindings(findings),
  ];
}
