import { type Signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { API, send } from '../api/client.ts';
import { now, serverTime } from '../api/clock.ts';
import { follow } from '../api/live.ts';
import { type Steering, steeringOf } from '../api/steering.ts';
import type { LiveMigration, Project } from '../api/types.ts';
import { followHistory } from '../charts/period.tsx';
import { type Period, Samples } from '../charts/samples.ts';
import { duration } from '../format.ts';
import { Icon } from '../icon.tsx';
import { Message } from '../message.tsx';
import { Actions } from '../panels/actions.tsx';
import { AgentPanel } from '../panels/agent.tsx';
import { AttemptsPanel } from '../panels/attempts.tsx';
import { Checklist } from '../panels/checklist.tsx';
import { CollectionsPanel } from '../panels/collections.tsx';
import { CopyPanel } from '../panels/copy.tsx';
import { EventsPanel } from '../panels/events.tsx';
import { headlineOf } from '../panels/headline.ts';
import { ChangesPanel, LagPanel } from '../panels/lag.tsx';
import { LimitsPanel } from '../panels/limits.tsx';
import { PausePanel } from '../panels/pause.tsx';
import { Phases } from '../panels/phases.tsx';
import { ReportPanel } from '../panels/report.tsx';
import { ShardsPanel } from '../panels/shards.tsx';
import { labelTexts, nameOf, shownStageOf } from '../panels/shown-stage.ts';
import { LoadPanel, OplogPanel } from '../panels/source.tsx';
import { VerificationPanel } from '../panels/verification.tsx';
import { WarningsPanel } from '../panels/warnings.tsx';
import { messageOf, text } from '../text.ts';
import { WithCode } from '../with-code.tsx';
import { NotFoundPage } from './not-found.tsx';

interface MigrationPageProps {
  readonly groupId: string;
  readonly migrationId: string;
}

/** After this long without a message of the server, the page may be stale. The server sends one at least every 10 s. */
const STALE_AFTER_MS = 15_000;

/** One migration, live. */
export function MigrationPage({ groupId, migrationId }: MigrationPageProps) {
  const path = `${API}/groups/${groupId}/liveMigrations/${migrationId}`;
  const { live, samples, steering } = useMemo(
    () => ({
      live: follow<LiveMigration>(path),
      steering: steeringOf(path),
      samples: { hour: new Samples('hour'), month: new Samples('month') },
    }),
    [path],
  );
  const period = useSignal<Period>('hour');
  const project = useSignal<string>('');
  useEffect(() => {
    // Not every role may read a project; its name is no loss.
    send<Project>('GET', `${API}/groups/${groupId}`).then(
      ({ name }) => {
        project.value = name;
      },
      () => undefined,
    );
    const noted = live.value.subscribe((migration) => {
      if (migration) samples.hour.add(migration, serverTime(Date.now()));
    });
    return () => {
      noted();
      live.stop();
    };
  }, [live]);
  useEffect(() => followHistory(path, period.value, samples[period.value]), [path, period.value]);

  const migration = live.value.value;
  const problem = live.problem.value;
  if (!migration) {
    return problem === undefined ? (
      <p class="mute">{text.loading}</p>
    ) : (
      <NotFoundPage title={text.noMigration}>
        <Message tone="bad">{messageOf(problem)}</Message>
      </NotFoundPage>
    );
  }
  return (
    <MigrationView
      migration={migration}
      steering={steering}
      path={path}
      collectionsAt={path}
      groupId={groupId}
      heardAtMs={live.heardAtMs.value}
      period={period}
      samples={samples[period.value]}
    >
      <a href="#/">{text.migrations}</a>
      {project.value === '' ? '' : ` / ${project.value}`}
    </MigrationView>
  );
}

interface MigrationViewProps extends PanelsProps {
  /** When the server last answered, by this browser's clock. */
  readonly heardAtMs: number;
  /** Stands above the title. */
  readonly children: ComponentChildren;
}

/** A migration as its server last said. It turns grey when the server is silent. */
export function MigrationView({ heardAtMs, children, ...shown }: MigrationViewProps) {
  const silentMs = Math.max(0, now.value - heardAtMs);
  const isStale = silentMs > STALE_AFTER_MS;
  return (
    <>
      {isStale && <Message tone="bad">{text.stale(duration(silentMs / 1000))}</Message>}
      <div class={isStale ? 'stale' : ''}>
        <div class="crumbs">{children}</div>
        <Head migration={shown.migration} steering={shown.steering} silentMs={silentMs} />
        <Panels {...shown} />
      </div>
    </>
  );
}

interface HeadProps {
  readonly migration: LiveMigration;
  readonly steering: Steering;
  readonly silentMs: number;
}

function Head({ migration, steering, silentMs }: HeadProps) {
  const { word, icon, tone } = shownStageOf(migration);
  const { lead, body, ask } = headlineOf(migration);
  const name = nameOf(migration);
  const { note } = migration.linkspan;
  const about = [...labelTexts(migration), ...(note === null ? [] : [note])];
  useEffect(() => {
    document.title = `${word}: ${name} · ${text.product}`;
  }, [word, name]);
  return (
    <div class="head">
      <div>
        <h1>{name}</h1>
        {about.length > 0 && <p class="small mute">{about.join(' · ')}</p>}
        <p class="say" role="status">
          <Icon name={icon} tone={tone} />
          <span>
            <strong>{lead}</strong> <WithCode content={body} /> <strong>{ask}</strong>
          </span>
        </p>
      </div>
      <div class="aside">
        <Actions migration={migration} steering={steering} />
        <span class="fresh">
          {text.updated(duration(silentMs / 1000))}, {text.timesInUtc}
        </span>
      </div>
    </div>
  );
}

interface PanelsProps {
  readonly migration: LiveMigration;
  readonly steering: Steering;
  /** Path of the migration, which has its mismatches; undefined where the server keeps none. */
  readonly path: string | undefined;
  /** Path below which its collections are. */
  readonly collectionsAt: string;
  /** Its project, whose audit has its events; undefined where there is no audit. */
  readonly groupId: string | undefined;
  /** Undefined where the server keeps no history. */
  readonly period: Signal<Period> | undefined;
  readonly samples: Samples;
}

function Panels({ migration, steering, path, collectionsAt, groupId, period, samples }: PanelsProps) {
  const { status, linkspan } = migration;
  const { progress, readiness } = linkspan;
  // The shares of an agent that is silent say nothing about now.
  const isHeard = linkspan.agent === null || linkspan.agent.status === 'CONNECTED';
  const isOver = status !== 'NEW' && status !== 'WORKING';
  const verification = progress?.verification && (
    <VerificationPanel verification={progress.verification} path={path} id={migration._id} />
  );
  return (
    <>
      <PausePanel migration={migration} steering={steering} />
      <Phases migration={migration} />
      <div class="grid">
        {status === 'COMPLETE' && <ReportPanel steering={steering} />}
        {isOver && <WarningsPanel migration={migration} />}
        {isOver && progress && <CopyPanel progress={progress} columns={8} />}
        {!isOver && (
          <div class="stack c7">
            <Checklist gates={readiness} />
            {progress && <CopyPanel progress={progress} columns={12} />}
            <AgentPanel migration={migration} />
          </div>
        )}
        {!isOver && (
          <div class="stack c5">
            <LagPanel migration={migration} period={period} samples={samples.all.value} />
            <ChangesPanel migration={migration} samples={samples.all.value} />
            {isHeard && progress?.timeShares && <LimitsPanel shares={progress.timeShares} />}
          </div>
        )}
        {isOver && verification}
        {progress && <CollectionsPanel path={collectionsAt} isOver={isOver} />}
        {!isOver && isHeard && progress?.shards && <ShardsPanel shards={progress.shards} />}
        {!isOver && (
          <div class="abreast">
            {verification}
            <OplogPanel migration={migration} />
            <LoadPanel migration={migration} steering={steering} />
          </div>
        )}
        {isOver && linkspan.agent !== null && <AgentPanel migration={migration} />}
        {!isOver && <WarningsPanel migration={migration} />}
        <AttemptsPanel attempts={progress?.cutoverAttempts ?? []} />
        {groupId !== undefined && <EventsPanel groupId={groupId} id={migration._id} />}
      </div>
    </>
  );
}
