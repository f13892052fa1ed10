import { counted } from '../../platform/index.ts';
import type { Gate } from '../concurrency/gate.ts';
import { describeWait } from '../mongodb/retry.ts';
import { describeCatalogDifference } from '../verify/catalog-check.ts';
import type { CutoverAttempts } from './cutover-attempts.ts';
import type { StreamView } from './run-view.ts';
import type { VerificationView } from './verification-progress.ts';
import { type WaitsParts, waitsOf } from './waits.ts';

/** The parts of a run that readiness depends on. */
interface WhyNotReadyParts extends WaitsParts {
  readonly gate: Gate;
}

/** mongosync's limit is 30 s. The drain takes about as long as the lag, and users wait for it. */
const READY_LAG_SECONDS = 10;

/** Returns the reasons why a cutover can't begin; empty when it can. */
export function whyNotReady({
  context,
  follower,
  attempts,
}: {
  readonly context: WhyNotReadyParts;
  readonly follower: StreamView | undefined;
  readonly attempts: CutoverAttempts;
}): string[] {
  const reasons: string[] = [];
  const lag = follower?.lagSeconds ?? null;
  if (!follower?.allLive && !context.drops.any) reasons.push(whyNotLive(context));
  if (lag === null || lag > READY_LAG_SECONDS) reasons.push(`the lag is not yet below ${READY_LAG_SECONDS} s`);
  if (follower?.allLive) reasons.push(...whyNotVerified(follower.verification));
  if (context.gate.closed) reasons.push('it is paused');
  reasons.push(...waitsOf(context).map(describeWait));
  const { wait, isDue } = attempts;
  if (wait !== undefined && !isDue) reasons.push(describeWait(wait));
  return reasons;
}

function whyNotVerified({ mode, isSettled, mismatches, catalog, rechecks }: VerificationView): string[] {
  if (mode === 'off') return [];
  const { differences } = catalog;
  const [first] = differences ?? [];
  const found = [
    ...(mismatches.open > 0 ? [`source and destination differ in ${counted(mismatches.open, 'document')}`] : []),
    ...(first === undefined
      ? []
      : [`source and destination differ in ${describeCatalogDifference(first)}${andMore(differences)}`]),
  ];
  if (isSettled && differences !== undefined) return found;
  return [
    ...found,
    rechecks.size > 0
      ? `the verification has yet to compare ${counted(rechecks.size, 'document')} again`
      : isSettled
        ? 'the verification has not compared the catalogs'
        : 'the verification has not compared all collections',
  ];
}

function andMore(all: readonly unknown[] = []): string {
  return all.length > 1 ? ` and in ${all.length - 1} more` : '';
}

function whyNotLive({ tracked }: WhyNotReadyParts): string {
  const suspect = [...tracked.values()].filter(({ suspicion }) => suspicion !== null);
  const [first] = suspect;
  if (first === undefined) return 'collections are still being copied or indexed';
  const others = suspect.length > 1 ? ` and ${suspect.length - 1} more` : '';
  return `changes of ${first.namespace}${others} were missed: that is being repaired`;
}
