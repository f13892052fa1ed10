import type { LiveMigration } from '../api/types.ts';
import { bytes, count, counted, duration, percent, rate } from '../format.ts';
import { text } from '../text.ts';
import { directionOf, gateOf, type StateKey, shownStateOf } from './shown-state.ts';

/** A sentence on the state of a migration, and a request to the reader. */
export interface Headline {
  readonly lead: string;
  readonly body: string;
  readonly ask: string;
}

const words = text.headline;

/** The sentence at the top of a migration's page. It says only what the API's answer says. */
export function headlineOf(migration: LiveMigration): Headline {
  const { key, word } = shownStateOf(migration);
  return { lead: `${word}.`, body: bodyOf(key, migration), ask: askOf(key, migration) };
}

/** The same in short, for a row of the list. */
export function reasonOf(migration: LiveMigration): string {
  const { body, ask } = headlineOf(migration);
  return body === '' ? ask : body;
}

/** Seconds until the present phase is done, as far as somebody estimated them. */
export function etaOf(migration: LiveMigration): number | null {
  const { progress } = migration.linkspan;
  const key = shownStateOf(migration).key;
  if (key === 'verifying')
    return gateOf(migration, 'documents')?.etaSeconds ?? progress?.verification?.etaSeconds ?? null;
  return key === 'copying' || key === 'catchingUp' ? (progress?.etaSeconds ?? null) : null;
}

function bodyOf(key: StateKey, migration: LiveMigration): string {
  const { errorMessage, migrationHosts, linkspan } = migration;
  const { progress, waiting, sourceBlockedSince } = linkspan;
  const { from, to } = directionOf(migration);
  const [host = ''] = migrationHosts;
  const [wait] = waiting;
  switch (key) {
    case 'failed':
    case 'cancelled':
      return errorMessage ?? '';
    case 'expired':
      return errorMessage ?? words.windowOver;
    case 'complete':
      return completeText(migration);
    case 'completeWithProblems':
      return linkspan.problems.map(({ message }) => message).join(' ');
    case 'lost':
      return words.silent(host);
    case 'new':
    case 'waiting':
      return wait ? words.waits(wait.for, wait.reason) : words.notStarted(host);
    case 'cutover':
      return errorMessage ?? (sourceBlockedSince === undefined ? words.cutoverBegins : words.blocked(from));
    case 'pausing':
      return words.pausing;
    case 'paused':
      return progress?.oplog ? words.pausedFor(duration(progress.oplog.leftSeconds)) : words.paused;
    case 'cancelling':
      return words.cancelling;
    case 'drops':
      return gateOf(migration, 'drops')?.reasons.join('; ') ?? '';
    case 'differs':
      return words.differ(counted(progress?.verification?.mismatches.open ?? 0, 'document'));
    case 'ready':
      return words.ready(from, to);
    case 'copying':
      return copyText(migration);
    case 'catchingUp':
      return lagText(migration);
    case 'verifying':
      return verifyText(migration);
    case 'preparing':
      return words.preparing;
  }
}

function askOf(key: StateKey, migration: LiveMigration): string {
  const { linkspan, migrationHosts } = migration;
  const { asks } = text;
  switch (key) {
    case 'failed':
      return asks.failed;
    case 'expired':
    case 'cancelled':
      return asks.again;
    case 'lost':
      return asks.startAgent(migrationHosts[0] ?? '');
    case 'cutover':
      return migration.errorMessage === undefined ? asks.wait : asks.startAgent(migrationHosts[0] ?? '');
    case 'paused':
      return asks.resume;
    case 'drops':
      return asks.drops;
    case 'differs':
      return linkspan.progress?.verification?.mode === 'report' ? asks.repair : asks.nothing;
    case 'waiting':
    case 'new':
      return asks.waits;
    case 'ready':
      return asks.cutOver;
    case 'completeWithProblems':
      return linkspan.problems[0]?.remedy ?? '';
    case 'complete':
      return linkspan.wayBack?.state === 'following' ? asks.finish : asks.point;
    default:
      return blockedGates(migration) > 0 ? asks.gates(counted(blockedGates(migration), 'point')) : asks.nothing;
  }
}

/** How many gates wait for somebody to act. */
function blockedGates({ linkspan }: LiveMigration): number {
  return linkspan.readiness.filter(({ state, refuses }) => refuses && state === 'blocked').length;
}

function completeText({ linkspan }: LiveMigration): string {
  const { wayBack, usersOn, source, destination } = linkspan;
  const main = words.complete(usersOn === 'source' ? source.clusterName : destination.clusterName);
  if (wayBack?.state !== 'following') return main;
  return `${main} ${words.wayBack(wayBack.lagTimeSeconds === null ? '' : duration(wayBack.lagTimeSeconds))}`;
}

function copyText(migration: LiveMigration): string {
  const { copy, rates, etaSeconds } = migration.linkspan.progress ?? {};
  if (!copy) return '';
  const share = percent(copy.bytesCopied, copy.bytesTotal);
  const done = words.copied(
    bytes(copy.bytesCopied),
    bytes(copy.bytesTotal),
    share === undefined ? '' : ` (${share} %)`,
  );
  const speed = rates?.bytesPerSecond == null ? '' : ` ${words.at(rate(rates.bytesPerSecond, bytes))}`;
  return `${done}${speed}${etaText(etaSeconds)}`;
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
