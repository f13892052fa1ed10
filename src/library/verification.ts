import type { DocumentDifference, VerificationReport, Wait } from '../contract/index.ts';
import { ClusterVerification } from '../engine/index.ts';
import { loggerOf } from './engine-options.ts';
import type { VerificationOptions } from './options.ts';

const SETTLE_MS = 10_000;

/** How far a comparison is. */
export interface ComparisonProgress {
  readonly phase: 'CONNECTING' | 'COMPARING' | 'SETTLING' | 'FOLLOWING';
  readonly collections: number;
  readonly collectionsDone: number;
  readonly documents: number;
  readonly bytes: number;
  /** Keys that will be read again. */
  readonly pending: number;
  readonly differences: number;
  readonly waiting: readonly Wait[];
}

/** The result of a comparison. */
export interface VerificationResult {
  readonly report: VerificationReport;
  /** All that are listed, also repaired ones. */
  readonly differences: readonly DocumentDifference[];
}

/** Compares two replica sets byte by byte, at rest or while they change. Writes nothing unless it repairs. */
export class Verification {
  readonly #engine: ClusterVerification;

  /** Connects to nothing yet. @throws UserError INVALID_FILTER, INVALID_DOCUMENT_FILTER, INVALID_REMAP */
  constructor(options: VerificationOptions) {
    const { log, settleMs = SETTLE_MS, ...others } = options;
    this.#engine = new ClusterVerification({ ...others, settleMs, logger: loggerOf(log) });
  }

  /** Returns a snapshot. Cheap, and possible at any time. */
  progress(): ComparisonProgress {
    return this.#engine.progress();
  }

  /**
   * Runs until everything is compared, or until `signal` aborts: then the report's result is `unfinished`.
   * @throws UserError when the clusters can't be compared
   */
  async run(signal: AbortSignal = new AbortController().signal): Promise<VerificationResult> {
    return await this.#engine.run(signal);
  }
}
