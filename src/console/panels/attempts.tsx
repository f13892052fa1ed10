import type { LiveMigration } from '../api/types.ts';
import { shortDuration } from '../format.ts';
import { migrationText } from '../texts/migration.ts';
import { Time } from '../time.tsx';
import { Panel } from './panel.tsx';

type Attempt = NonNullable<LiveMigration['linkspan']['progress']>['cutoverAttempts'][number];

/** The attempts to cut over, the newest first, with the time that each step took. */
export function AttemptsPanel({ attempts }: { readonly attempts: readonly Attempt[] }) {
  if (attempts.length === 0) return null;
  const words = migrationText.attempts;
  return (
    <Panel title={words.title} note={words.note(attempts.length)}>
      {attempts.toReversed().map((attempt, at) => (
        <details key={attempt.number} class="attempt" open={at === 0}>
          <summary>
            <b>{attempt.rehearsalId === undefined ? words.attempt(attempt.number) : words.rehearsal}</b>{' '}
            {words.results[attempt.result ?? 'running'] ?? attempt.result} · <Time iso={attempt.startedAt} />
            {attempt.stoppedMs !== undefined && <> · {words.stopped(shortDuration(attempt.stoppedMs))}</>}
            {attempt.wouldStopMs !== undefined && <> · {words.wouldStop(shortDuration(attempt.wouldStopMs))}</>}
          </summary>
          {attempt.reason !== undefined && <p class="small">{attempt.reason}</p>}
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th>{words.step}</th>
                  <th class="n">{words.took}</th>
                  <th>{words.what}</th>
                </tr>
              </thead>
              <tbody>
                {attempt.steps.map((step) => (
                  <tr key={`${step.name} ${step.startedAt}`}>
                    <td>{step.name}</td>
                    <td class="n">
                      {step.durationMs === undefined ? words.results.running : shortDuration(step.durationMs)}
                    </td>
                    <td class="mute">{step.reason}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      ))}
    </Panel>
  );
}
