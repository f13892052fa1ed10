import type { Timestamp } from 'mongodb';
import type { ResumeToken } from '../capture/change-stream.ts';

/** The part of the running stream that an end of the migration needs. */
export interface RunningStream {
  /** Where the stream would go on. All before it is on the destination. */
  readonly safeToken: ResumeToken;
  /** Resolves when all that precedes the time is on the destination, and nothing is being copied or indexed. */
  inStepAt(time: Timestamp, signal: AbortSignal): Promise<void>;
  /** Whether that is the case now. */
  isInStepAt(time: Timestamp): boolean;
  /** Has the stream report its position at short intervals until disposed: notes wake nobody. */
  hurry(): Disposable;
  /** Takes nothing from the stream any more, and resolves when all that was taken is on the destination. @throws the signal's reason, and then goes on */
  hold(signal: AbortSignal): Promise<void>;
  /** Ends `hold`. */
  release(): void;
  /** Makes sure that a catalog which has to stand still did. @throws UserError CATALOG_CHANGED */
  confirmCatalog(): Promise<void>;
  /** Ends taking changes, for good. To be held before. */
  stop(): void;
}
