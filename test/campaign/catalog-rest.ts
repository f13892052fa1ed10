import type { Progress } from '../../src/contract/index.ts';
import type { RoundLog } from './round-log.ts';

const FAR_BEHIND_SECONDS = 60;
const NOT_READY_MS = 120_000;

/**
 * Returns a function that tells whether the catalog has to rest. A slow machine applies its changes later than they are
 * made, and each change is a reason not to be ready: the migration might never be. So the catalog rests from a lag of a
 * minute on, or after two minutes of following without readiness, until the migration is ready.
 * @param latest  the latest progress; undefined before the first
 */
export function catalogRest(latest: () => Progress | undefined, log: RoundLog): () => boolean {
  let rests = false;
  let readyAtMs = performance.now();
  return () => {
    const progress = latest();
    if (progress?.state !== 'FOLLOWING' || progress.readyForCutover) readyAtMs = performance.now();
    const isFarBehind = (progress?.lagSeconds ?? 0) > FAR_BEHIND_SECONDS;
    const begins = isFarBehind || performance.now() - readyAtMs > NOT_READY_MS;
    if (rests ? progress?.readyForCutover : begins) {
      rests = !rests;
      log.say(rests ? 'the catalog rests' : 'the catalog changes again');
    }
    return rests;
  };
}
