import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { serverTime } from '../api/clock.ts';
import type { Steering } from '../api/steering.ts';
import type { LiveMigration } from '../api/types.ts';
import { duration } from '../format.ts';
import { Icon } from '../icon.tsx';
import { Message } from '../message.tsx';
import { messageOf } from '../text.ts';
import { migrationText } from '../texts/migration.ts';
import { directionOf } from './shown-stage.ts';

const TICK_MS = 100;

/** A cutover that runs: how long users can't write, and the way out until the point of no return. */
export function PausePanel({
  migration,
  steering,
}: {
  readonly migration: LiveMigration;
  readonly steering: Steering;
}) {
  const problem = useSignal<string | undefined>(undefined);
  const { status, linkspan } = migration;
  const { wanted, sourceBlockedSince, cutoverAbort, progress } = linkspan;
  if (status !== 'WORKING' || (wanted !== 'CUTOVER' && sourceBlockedSince === undefined)) return null;
  const words = migrationText.pause;
  const { from } = directionOf(migration);
  const attempt = progress?.cutoverAttempts.at(-1);
  const step = attempt?.result === undefined ? attempt?.steps.at(-1) : undefined;
  const isAborting = cutoverAbort !== undefined && !cutoverAbort.isDone;
  const abort = async () => {
    problem.value = undefined;
    await steering.act('abortCutover').catch((error) => {
      problem.value = messageOf(error);
    });
  };
  return (
    <section class="panel pause" aria-label={words.title}>
      <Icon name="paused" tone="warn" />
      <div>
        <h2>{sourceBlockedSince === undefined ? words.open(from) : words.blocked(from)}</h2>
        {step && (
          <p class="mute small">
            {step.name}: {step.reason}
          </p>
        )}
        {isAborting && <p class="small">{words.aborting}</p>}
        {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
      </div>
      {sourceBlockedSince !== undefined && <Timer since={sourceBlockedSince} />}
      {steering.can('abortCutover') && wanted === 'CUTOVER' && (
        <button type="button" class="danger" onClick={() => void abort()}>
          {words.abort}
        </button>
      )}
    </section>
  );
}

/** A running clock, hidden from screen readers: they would read every tick. */
function Timer({ since }: { readonly since: string }) {
  const ms = useSignal(0);
  useEffect(() => {
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const tick = () => {
      ms.value = Math.max(0, serverTime(Date.now()) - Date.parse(since));
    };
    tick();
    const timer = setInterval(tick, calm ? 1000 : TICK_MS);
    return () => clearInterval(timer);
  }, [since]);
  return (
    <span class="figure" aria-hidden="true">
      {ms.value < 60_000 ? `${(ms.value / 1000).toFixed(1)} s` : duration(ms.value / 1000)}
    </span>
  );
}
