import type { Progress } from '../../src/contract/index.ts';
import type { RoundLog } from './round-log.ts';

/** The part of a migration's progress by which writers rest. */
export type Pace = Pick<Progress, 'state' | 'readyForCutover' | 'lagSeconds'>;

const FAR_BEHIND_SECONDS = 60;

/**
 * Returns a function that tells whether writers have to rest. A busy machine applies changes later than they are made, and each change of
 * the catalog is a reason not to be ready: the migration might never be. So writers rest from a lag of a minute on, or after some time of
 * following without readiness, until the migration is ready.
 * @param latest  the latest progress; undefined before the first
 * @param unreadyMs  that time
 */
export function writersRest(latest: () => Pace | undefined, log: RoundLog, unreadyMs = 120_000): () => boolean {
  let rests = false;
  let readyAtMs = performance.now();
  return () => {
    const progress = latest();
    if (progress?.state !== 'FOLLOWING' || progress.readyForCutover) readyAtMs = performance.now();
    const isFarBehind = (progress?.lagSeconds ?? 0) > FAR_BEHIND_SECONDS;
    const begins = isFarBehind || performance.now() - readyAtMs > unreadyMs;
    if (rests ? progress?.readyForCutover : begins) {
      rests = !rests;
      log.say(rests ? 'the writers rest' : 'the writers continue');
    }
    return rests;
  };
}
