import type { LiveMigration } from '../../atlas-api/index.ts';
import { type Progress, STAGES } from '../../contract/index.ts';
import { findingsText } from '../command-line/findings.ts';
import {
  attemptLines,
  describeView,
  differenceLines,
  readinessLines,
  resumedText,
  verificationText,
} from '../progress/index.ts';
import { wrap, wrapBeside } from '../terminal/index.ts';
import type { ComputedColumn } from './command.ts';
import { failbackLines } from './failback-text.ts';
import { problemLines } from './problem-lines.ts';
import { hasEnded, lagOf, progressViewOf } from './shown-migration.ts';

const LABEL_COLUMNS = 16;
/** Characters of an error in a list. */
const SHORT_ERROR = 60;

/** Columns of a list of migrations that are computed, because the API has no such fields. */
export const stageColumn: ComputedColumn = {
  title: 'stage',
  of: (record) => {
    const migration = record as LiveMigration;
    return [STAGES[migration.linkspan.stage], percentOf(migration)].join(' ').trimEnd();
  },
};
export const createdColumn: ComputedColumn = {
  title: 'createdAt',
  of: (record) => (record as LiveMigration).linkspan.createdAt,
};
export const sourceColumn: ComputedColumn = {
  title: 'source',
  of: (record) => (record as LiveMigration).linkspan.source.clusterName,
};
export const destinationColumn: ComputedColumn = {
  title: 'destination',
  of: (record) => (record as LiveMigration).linkspan.destination.clusterName,
};
export const labelsColumn: ComputedColumn = {
  title: 'labels',
  of: (record) => labelsTextOf(record as LiveMigration),
};
export const lagColumn: ComputedColumn = { title: 'lagTimeSeconds', of: (record) => lagOf(record as LiveMigration) };
/** An error's beginning; `migration describe` has the whole. */
export const shortErrorColumn: ComputedColumn = {
  title: 'errorMessage',
  of: (record) => {
    const { errorMessage, linkspan } = record as LiveMigration;
    const text = linkspan.problems?.[0]?.message ?? errorMessage;
    return text !== undefined && text.length > SHORT_ERROR ? `${text.slice(0, SHORT_ERROR - 1)}…` : text;
  },
};
export const agentColumn: ComputedColumn = {
  title: 'agent',
  of: (record) => (record as LiveMigration).linkspan.agent?.status,
};
export const waitingColumn: ComputedColumn = {
  title: 'waitingFor',
  of: (record) => (record as LiveMigration).linkspan.waiting.map((wait) => wait.for).join(', ') || undefined,
};

const TAKEN_OVER = {
  SILENT: 'which was lost',
  LEFT: 'whose agent had ended',
  REQUESTED: 'as requested',
  CUT_OFF: 'which could not reach one of the clusters',
} as const;

/** The text of `migration describe` below the table: stage, why the migration is not ready for cutover, and warnings. */
export function migrationText(answer: unknown): string {
  const migration = answer as LiveMigration;
  const { wanted, agent, waiting, findings, cutoverWindowEndsAt, cutoverRequestedAt, sourceBlockedSince, progress } =
    migration.linkspan;
  const { sourceWatch, warnings = [], standbyHosts = [], takenOver, error } = migration.linkspan;
  const view = progressViewOf(migration, Date.now());
  const facts = [percentOf(migration), ...describeView({ ...view, progress: { ...view.progress, waiting: [] } })];
  const { readiness = [] } = migration.linkspan;
  const reasons = migration.readyForCutover || readiness.length > 0 ? [] : (progress?.notReadyReasons ?? []);
  const isActive = agent !== null && !hasEnded(migration);
  const told = new Set(view.problems.map(({ message }) => message));
  const lines: readonly (readonly [label: string, text: string | undefined])[] = [
    ...problemLines(view.problems),
    [
      'stage',
      [
        error === undefined ? STAGES[view.stage] : `${STAGES[view.stage]} [${error.code}]`,
        facts.filter((fact) => fact !== '' && fact !== error?.message && !told.has(fact)).join(', '),
      ]
        .filter((part) => part !== '')
        .join(': '),
    ],
    ['labels', labelsTextOf(migration)],
    ['note', migration.linkspan.note ?? undefined],
    ['resumed', resumedText(view.progress)],
    ...(progress?.verification === undefined ? [] : verificationLines(view.progress)),
    ['agent', agent ? `${agent.status}, last report ${agent.lastSeen ?? 'never'}` : undefined],
    ['taken over', takenOver && `from ${takenOver.fromHost} at ${takenOver.at}, ${TAKEN_OVER[takenOver.reason]}`],
    ...standbyHosts.map(standbyLine),
    ['asked for', isActive && wanted !== 'RUNNING' ? ASKED[wanted] : undefined],
    ...waiting.map((wait) => ['waiting', `for ${wait.for} since ${wait.since}: ${wait.reason}`] as const),
    ['source watched', sourceWatch && watchText(sourceWatch)],
    ...warnings.filter((warning) => !told.has(warning)).map((warning) => ['warning', warning] as const),
    ...(isActive ? reasons.map((reason) => ['not ready', reason] as const) : []),
    ['cutover until', isActive ? (cutoverWindowEndsAt ?? undefined) : undefined],
    ['source blocked', sourceBlockedSince && `since ${sourceBlockedSince}`],
    ['cutover asked', cutoverRequestedAt && `at ${cutoverRequestedAt}`],
    ...attemptLines(view.progress.cutoverAttempts, Date.now()),
    ...failbackLines(migration.linkspan),
  ];
  const shown = lines.filter((line): line is readonly [string, string] => line[1] !== undefined);
  const text = shown.map(([label, value]) => `${wrapBeside(label, LABEL_COLUMNS, value, process.stdout)}\n`);
  return `\n${text.join('')}${checklistText(migration)}${findingsText(findings)}`;
}

function labelsTextOf({ linkspan: { labels = {} } }: LiveMigration): string | undefined {
  const texts = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return texts.join(', ') || undefined;
}

function standbyLine({
  host,
  status,
  reason,
}: NonNullable<LiveMigration['linkspan']['standbyHosts']>[number]): readonly [string, string] {
  return ['standby', `${host}: ${status}${reason === undefined ? '' : `, ${reason}`}`];
}

/** The checklist of the cutover, grouped. */
function checklistText({ readyForCutover, linkspan: { readiness = [] } }: LiveMigration): string {
  if (readiness.length === 0) return '';
  const lines = [`Ready for cutover: ${readyForCutover ? 'yes' : 'no'}`, ...readinessLines(readiness)];
  return `\n${lines.map((line) => `${wrap(line, process.stdout, 6)}\n`).join('')}`;
}

function watchText({ until, watchedTo, ended }: NonNullable<LiveMigration['linkspan']['sourceWatch']>): string {
  if (ended === undefined) return `for writes until ${until}, so far up to ${watchedTo}`;
  return ended === 'over' ? `for writes until ${until}` : `for writes up to ${watchedTo}: ${ended}`;
}

function verificationLines(progress: Progress): (readonly [label: string, text: string | undefined])[] {
  return [
    ['verification', verificationText(progress)],
    ...differenceLines(progress.verification).map((line) => ['difference', line] as const),
  ];
}

/** The warnings that concern the cutover, to show before it. */
export function cutoverWarnings(answer: unknown): string[] {
  const { findings } = (answer as LiveMigration).linkspan;
  return findings
    .filter(({ concerns }) => concerns === 'CUTOVER')
    .map(({ message, remedy, code }) => `${message} ${remedy} [${code}]`);
}

const ASKED = { PAUSED: 'a pause', CUTOVER: 'the cutover', CANCELLED: 'the cancellation' } as const;

function percentOf(migration: LiveMigration): string {
  const { fraction } = progressViewOf(migration, Date.now());
  return fraction === null ? '' : `${Math.floor(fraction * 100)} %`;
}
