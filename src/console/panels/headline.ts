import { type Stage, shownBytes } from '../../contract/index.ts';
import type { LiveMigration } from '../api/types.ts';
import { count, counted, duration, percent, rate, sentence } from '../format.ts';
import { migrationText } from '../texts/migration.ts';
import { directionOf, gateOf, shownStageOf } from './shown-stage.ts';

/** A sentence on the state of a migration, and a request to the reader. */
export interface Headline {
  readonly lead: string;
  readonly body: string;
  readonly ask: string;
}

const words = migrationText.headline;

/** The sentence at the top of a migration's page. It says only what the API's answer says. */
export function headlineOf(migration: LiveMigration): Headline {
  const { stage } = migration.linkspan;
  return { lead: `${shownStageOf(migration).word}.`, body: bodyOf(stage, migration), ask: askOf(stage, migration) };
}

/** The same in short, for a row of the list. */
export function reasonOf(migration: LiveMigration): string {
  const { body, ask } = headlineOf(migration);
  return body === '' ? ask : body;
}

/** Stages whose end the engine estimates. */
const HAS_ETA: ReadonlySet<Stage> = new Set(['COPYING', 'BUILDING_INDEXES', 'CATCHING_UP']);

/** Seconds until the present phase is done, as far as they are estimated. */
export function etaOf(migration: LiveMigration): number | null {
  const { progress, stage } = migration.linkspan;
  if (stage === 'VERIFYING')
    return gateOf(migration, 'DOCUMENTS')?.etaSeconds ?? progress?.verification?.etaSeconds ?? null;
  return HAS_ETA.has(stage) ? (progress?.etaSeconds ?? null) : null;
}

function bodyOf(stage: Stage, migration: LiveMigration): string {
  const { errorMessage, migrationHosts, linkspan } = migration;
  const { progress, waiting, sourceBlockedSince } = linkspan;
  const { from, to } = directionOf(migration);
  const [host = ''] = migrationHosts;
  const [wait] = waiting;
  switch (stage) {
    case 'FAILED':
    case 'CANCELLED':
      return errorMessage ?? '';
    case 'EXPIRED':
      return errorMessage ?? words.windowOver;
    case 'COMPLETE':
      return completeText(migration);
    case 'COMPLETE_WITH_PROBLEMS':
      return linkspan.problems.map(({ message }) => message).join(' ');
    case 'AGENT_LOST':
      return words.silent(host);
    case 'WAITING_TO_START':
    case 'WAITING':
      return wait ? words.waits(wait.for, wait.reason) : words.notStarted(host);
    case 'CUTTING_OVER':
      return errorMessage ?? (sourceBlockedSince === undefined ? words.cutoverBegins : words.blocked(from));
    case 'PAUSING':
      return words.pausing;
    case 'PAUSED':
      return progress?.oplog ? words.pausedFor(duration(progress.oplog.leftSeconds)) : words.paused;
    case 'RESUMING':
      return words.resuming;
    case 'CANCELLING':
      return words.cancelling;
    case 'DROPS_HELD':
      return sentence(gateOf(migration, 'DROPS')?.reasons.join('; ') ?? '');
    case 'DIFFERENT':
      return words.differ(counted(progress?.verification?.mismatches.open ?? 0, 'document'));
    case 'READY':
      return words.ready(from, to);
    case 'COPYING':
      return copyText(migration);
    case 'BUILDING_INDEXES':
      return indexesText(migration);
    case 'REPAIRING':
      return repairsText(migration);
    case 'CATCHING_UP':
      return lagText(migration);
    case 'VERIFYING':
      return verifyText(migration);
    case 'PREPARING':
      return words.preparing;
  }
}

function askOf(stage: Stage, migration: LiveMigration): string {
  const { linkspan, migrationHosts } = migration;
  const { asks } = migrationText;
  switch (stage) {
    case 'FAILED':
      return asks.failed;
    case 'EXPIRED':
    case 'CANCELLED':
      return asks.again;
    case 'AGENT_LOST':
      return asks.startAgent(migrationHosts[0] ?? '');
    case 'CUTTING_OVER':
      return migration.errorMessage === undefined ? asks.wait : asks.restartAgent(migrationHosts[0] ?? '');
    case 'PAUSED':
      return asks.resume;
    case 'DROPS_HELD':
      return asks.drops;
    case 'DIFFERENT':
      return linkspan.progress?.verification?.mode === 'REPORT' ? asks.repair : asks.nothing;
    case 'WAITING':
    case 'WAITING_TO_START':
      return asks.waits;
    case 'READY':
      return asks.cutOver;
    case 'COMPLETE_WITH_PROBLEMS':
      return linkspan.problems[0]?.remedy ?? '';
    case 'COMPLETE':
      return linkspan.failback?.state === 'FOLLOWING' ? asks.finish : asks.point;
    default:
      return blockedGates(migration) > 0 ? asks.gates(counted(blockedGates(migration), 'point')) : asks.nothing;
  }
}

/** How many gates wait for an operator to act. */
function blockedGates({ linkspan }: LiveMigration): number {
  return linkspan.readiness.filter(({ state, refuses }) => refuses && state === 'BLOCKED').length;
}

function completeText({ linkspan }: LiveMigration): string {
  const { failback, activeSide, source, destination } = linkspan;
  const main = words.complete(activeSide === 'SOURCE' ? source.clusterName : destination.clusterName);
  if (failback?.state !== 'FOLLOWING') return main;
  return `${main} ${words.failback(failback.lagSeconds === null ? '' : duration(failback.lagSeconds))}`;
}

function copyText(migration: LiveMigration): string {
  const { copy, rates, etaSeconds } = migration.linkspan.progress ?? {};
  if (!copy) return '';
  const share = percent(copy.bytesCopied, copy.bytesTotal);
  const done = words.copied(
    shownBytes(copy.bytesCopied),
    shownBytes(copy.bytesTotal),
    share === undefined ? '' : ` (${share} %)`,
  );
  const speed = rates?.bytesPerSecond == null ? '' : ` ${words.at(rate(rates.bytesPerSecond, shownBytes))}`;
  return `${done}${speed}${etaText(etaSeconds)}`;
}

function indexesText({ linkspan: { progress } }: LiveMigration): string {
  if (!progress) return '';
  const { built, total } = progress.indexes;
  return `${words.indexes(count(built), counted(total, 'index', 'indexes'))}${etaText(progress.etaSeconds)}`;
}

function repairsText({ linkspan: { progress } }: LiveMigration): string {
  const { collections, collectionsDone } = progress?.repairs ?? {};
  if (collections === undefined || collectionsDone === undefined) return '';
  return words.repairs(count(collectionsDone), counted(collections, 'collection'));
}

function lagText(migration: LiveMigration): string {
  const { lagTimeSeconds, linkspan } = migration;
  const { changes, etaSeconds } = linkspan.progress ?? {};
  const behind = lagTimeSeconds == null ? words.lagUnknown : words.behind(duration(lagTimeSeconds));
  return `${behind}${changes && changes.queued > 0 ? ` ${words.queued(count(changes.queued))}` : ''}${etaText(etaSeconds)}`;
}

function verifyText(migration: LiveMigration): string {
  const { verification } = migration.linkspan.progress ?? {};
  const share = verification && percent(verification.documentsCompared, verification.documentsTotal);
  return `${words.caughtUp}${share === undefined ? '' : ` ${words.compared(share)}`}${etaText(etaOf(migration))}`;
}

function etaText(seconds: number | null | undefined): string {
  return seconds == null ? '' : ` ${words.about(duration(seconds))}`;
}
