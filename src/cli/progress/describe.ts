import { STAGES, type Stage, shownBytes, wireRatio, workStageOf } from '../../contract/index.ts';
import { counted } from '../../platform/index.ts';
import type { ProgressView } from './collect.ts';
import { currentStep } from './cutover-attempts.ts';
import { formatCount, formatSeconds } from './format.ts';
import { describeReadiness } from './readiness.ts';
import { describeDifferences, describeVerification } from './verification.ts';

/** Stages after which nothing changes. */
const ENDED: ReadonlySet<Stage> = new Set(['COMPLETE', 'COMPLETE_WITH_PROBLEMS', 'CANCELLED', 'FAILED', 'EXPIRED']);

/** Stages that name an obstacle to the work, and not the work. */
const HELD_UP: ReadonlySet<Stage> = new Set(['WAITING', 'DROPS_HELD', 'DIFFERENT']);

/** Returns short phrases about the present work, the most important first, because a narrow terminal shows only some. */
export function describeView(view: ProgressView): string[] {
  const { progress } = view;
  const { rates } = progress;
  const work = workStageOf(progress);
  const facts: (string | undefined)[] = progress.waiting.flatMap((wait) => [
    `waiting for ${wait.for} for ${formatSeconds((view.atMs - Date.parse(wait.since)) / 1000)}`,
    wait.reason,
  ]);
  if (!ENDED.has(view.stage)) facts.push(...describeDifferences(progress.verification));
  if (HELD_UP.has(view.stage)) facts.push(STAGES[work]);
  switch (work) {
    case 'COPYING':
      facts.push(
        rates.bytesPerSecond === null ? undefined : `${shownBytes(rates.bytesPerSecond)}/s`,
        lag(view),
        eta(view),
        oplogs(view),
        wire(view),
        `${shownBytes(progress.copy.bytesCopied)} of ${shownBytes(progress.copy.bytesTotal)}`,
        counted(progress.copy.documentsCopied, 'document'),
        restarts(view),
      );
      break;
    case 'BUILDING_INDEXES':
      facts.push(
        `${progress.indexes.built} of ${counted(progress.indexes.total, 'index', 'indexes')}`,
        builds(view),
        lag(view),
        eta(view),
        oplogs(view),
      );
      break;
    case 'REPAIRING':
      facts.push(
        `${progress.repairs?.collectionsDone} of ${counted(progress.repairs?.collections ?? 0, 'collection')} compared after lost history`,
        lag(view),
        `${counted(progress.repairs?.documentsCompared ?? 0, 'document')} compared`,
        `${formatCount(progress.repairs?.keysDiffered ?? 0)} differed`,
      );
      break;
    case 'VERIFYING':
      facts.push(lag(view), ...describeVerification(progress.verification), wire(view));
      break;
    case 'CATCHING_UP':
    case 'READY':
    case 'CUTTING_OVER':
      facts.push(
        currentStep(progress.cutoverAttempts),
        lag(view),
        eta(view),
        oplogs(view),
        work === 'CATCHING_UP' ? describeReadiness(progress.readiness) : undefined,
        rates.changesPerSecond === null ? undefined : `${formatCount(rates.changesPerSecond)} changes/s`,
        counted(progress.changes.applied, 'change'),
        `${formatCount(progress.changes.queued)} waiting`,
        wire(view),
        toCompare(view),
        compared(view),
      );
      break;
    case 'COMPLETE':
      facts.push(
        ...view.problems.map(({ message }) => message),
        `${shownBytes(progress.copy.bytesCopied)} in ${counted(progress.copy.documentsCopied, 'document')} copied`,
        `${counted(progress.changes.applied, 'change')} applied`,
      );
      break;
    case 'FAILED':
      facts.push(progress.error?.message);
      break;
  }
  return facts.filter((fact) => fact !== undefined);
}

function builds({ progress }: ProgressView): string | undefined {
  const [slowest] = [...(progress.indexes.building ?? [])].sort((a, b) => a.done / a.total - b.done / b.total);
  return slowest && `${slowest.namespace} ${Math.floor((100 * slowest.done) / slowest.total)} %`;
}

/** The documents of a comparison that has ended. */
function compared({ progress: { verification } }: ProgressView): string | undefined {
  return verification.phase === 'FOLLOWING'
    ? `${counted(verification.documentsCompared, 'document')} compared`
    : undefined;
}

function toCompare({ progress: { verification } }: ProgressView): string | undefined {
  return verification.waiting === 0 ? undefined : `${formatCount(verification.waiting)} to compare again`;
}

function lag({ progress }: ProgressView): string | undefined {
  return progress.lagSeconds === null ? undefined : `lag ${progress.lagSeconds} s`;
}

/** An idle shard's oplog lasts for years, by its size and the little that is written. */
const LONG_SECONDS = 100 * 3_600;

/** How long the oplogs of a sharded source last. The shard is named, because an operator enlarges one oplog at a time. */
function oplogs({ progress: { oplog, shards = [] } }: ProgressView): string | undefined {
  if (oplog?.shard !== undefined) {
    const lasts = oplog.leftSeconds < LONG_SECONDS ? formatSeconds(oplog.leftSeconds) : '100 h or more';
    return `oplog of shard ${oplog.shard} lasts ${lasts}`;
  }
  const unseen = shards.filter(({ whyUnknown }) => whyUnknown !== null).map(({ shard }) => shard);
  if (unseen.length === 0) return undefined;
  return `oplog unknown of shard ${unseen.slice(0, 3).join(', ')}${unseen.length > 3 ? ', …' : ''}`;
}

/** How much compression has saved. */
function wire({ progress: { compression } }: ProgressView): string | undefined {
  return compression && `wire ${wireRatio(compression)}`;
}

function restarts({ progress: { copy } }: ProgressView): string | undefined {
  return copy.restarts === 0
    ? undefined
    : `restarted ${counted(copy.restarts, 'time')}: collections were dropped on the source`;
}

function eta({ progress: { etaSeconds } }: ProgressView): string | undefined {
  return etaSeconds === null ? undefined : `ETA ${formatSeconds(etaSeconds)}`;
}
