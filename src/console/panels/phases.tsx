import { shownBytes } from '../../contract/index.ts';
import { now, serverTime } from '../api/clock.ts';
import type { LiveMigration } from '../api/types.ts';
import { counted, duration, percent } from '../format.ts';
import { Icon } from '../icon.tsx';
import { migrationText } from '../texts/migration.ts';
import { Time } from '../time.tsx';
import { etaOf } from './headline.ts';

/** The steps of every migration, and the name of each in the API. */
const STEPS = [
  ['prepare', 'PREPARING'],
  ['copy', 'COPYING'],
  ['follow', 'FOLLOWING'],
  ['cutover', 'CUTOVER'],
] as const;

type StepName = (typeof STEPS)[number][0];
type Progress = NonNullable<LiveMigration['linkspan']['progress']>;

interface Step {
  readonly name: StepName;
  readonly state: 'done' | 'now' | 'later';
  readonly startedAt: string | undefined;
  readonly seconds: number;
}

/** Where the migration is: each step with its start, its duration, and its results. */
export function Phases({ migration }: { readonly migration: LiveMigration }) {
  const steps = stepsOf(migration, serverTime(now.value));
  return (
    <ol class="steps" aria-label={migrationText.phases.title}>
      {steps.map((step) => (
        <li key={step.name} class={step.state} aria-current={step.state === 'now' ? 'step' : undefined}>
          <b>
            {step.state === 'done' && <Icon name="done" tone="live" />}
            {migrationText.phases[step.name]}
          </b>
          <span>{noteOf(step, migration)}</span>
          {step.startedAt !== undefined && (
            <span class="since">
              {migrationText.phases.since} <Time iso={step.startedAt} />
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

function stepsOf({ status, linkspan: { progress, endedAt: overAt } }: LiveMigration, nowMs: number): Step[] {
  const phases = progress?.phases ?? [];
  const isOver = status !== 'WORKING' && status !== 'NEW';
  // A phase that the console doesn't know interrupts a step, which continues.
  const current = phases.findLast(({ name }) => STEPS.some(([, phase]) => phase === name))?.name;
  const at = STEPS.findIndex(([, phase]) => phase === current);
  return STEPS.map(([name, phase], index) => {
    const isDone = index < at || status === 'COMPLETE';
    const state = isDone ? 'done' : index === at && !isOver ? 'now' : 'later';
    const all = phases.filter((each) => each.name === phase);
    // An attempt that was aborted is none of the cutover that follows.
    const own = name !== 'cutover' ? all : all.slice(state === 'later' ? all.length : -1);
    const seconds = own.reduce((sum, { startedAt, endedAt }) => {
      // The end of a migration also ends the phase in which it fails or is cancelled.
      const end = endedAt === undefined && !isOver ? nowMs : Date.parse(endedAt ?? overAt ?? startedAt);
      return sum + Math.max(0, end - Date.parse(startedAt)) / 1000;
    }, 0);
    return { name, state, startedAt: own[0]?.startedAt, seconds };
  });
}

function noteOf({ name, state, seconds, startedAt }: Step, migration: LiveMigration): string {
  const { progress } = migration.linkspan;
  const took = startedAt === undefined ? [] : [duration(seconds)];
  const eta = state === 'now' ? etaOf(migration) : null;
  const left = eta === null ? [] : [migrationText.phases.left(duration(eta))];
  const done = progress && state !== 'later' ? amountOf(name, progress) : [];
  return [...done, ...took, ...left].join(' · ');
}

function amountOf(name: StepName, { copy, verification, indexes }: Progress): string[] {
  if (name === 'copy') {
    const share = percent(copy.bytesCopied, copy.bytesTotal);
    return [share === undefined || share === 100 ? shownBytes(copy.bytesCopied) : `${share} %`];
  }
  if (name !== 'follow') return [];
  const share = verification && percent(verification.documentsCompared, verification.documentsTotal);
  if (indexes.built < indexes.total)
    return [migrationText.phases.indexes(counted(indexes.total - indexes.built, 'index', 'indexes'))];
  return share === undefined ? [] : [migrationText.phases.verified(share)];
}
