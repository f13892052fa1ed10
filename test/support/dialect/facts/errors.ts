import type { Refusal } from '../fact.ts';

/** An error that a newer server may answer to any command. */
export interface ErrorFact {
  readonly refusal: Refusal;
  readonly source: string;
  readonly recordedFrom: string | null;
}

const CODES = 'mongodb/mongo src/mongo/base/error_codes.yml at 007ba934';
const OVERLOADED = ['SystemOverloadedError', 'RetryableError'];

function fact(code: number, codeName: string, errorLabels?: readonly string[]): ErrorFact {
  const labels = errorLabels === undefined ? {} : { errorLabels };
  const source = errorLabels === undefined ? CODES : `${CODES} (category SystemOverloadedError)`;
  return { refusal: { code, codeName, errmsg: `${codeName} of a dialect`, ...labels }, source, recordedFrom: null };
}

/** Errors after which a newer server does the same when it is asked again. */
export const ERRORS_OF_THE_MOMENT: readonly ErrorFact[] = [
  fact(365, 'TemporarilyUnavailable'),
  fact(402, 'ResourceExhausted'),
  fact(433, 'AdmissionQueueOverflow', OVERLOADED),
  fact(449, 'RateLimitExceeded', OVERLOADED),
  fact(462, 'IngressRequestRateLimitExceeded', OVERLOADED),
  fact(485, 'InterruptedDueToTimeseriesUpgradeDowngrade'),
  fact(10_045_600, 'InterruptedDueToFCVChange'),
];
