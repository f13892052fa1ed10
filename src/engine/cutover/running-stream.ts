import type { Timestamp } from 'mongodb';
import type { ResumeToken } from '../capture/change-stream.ts';
import type { SeenChanges } from '../collections/seen-changes.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';

/** The part of the running stream that an end of the migration needs. */
export interface RunningStream {
  /** The token from which the stream would resume. Everything before it is on the destination. */
  readonly safeToken: ResumeToken;
  /** Resolves when everything before the time is on the destination, and nothing is being copied or indexed. */
  inStepAt(time: Timestamp, signal: AbortSignal): Promise<void>;
  /** Whether that is the case now. */
  isInStepAt(time: Timestamp): boolean;
  readonly verification: {
    /** Describes a document that differs and that the engine doesn't repair; undefined when there is none. */
    readonly difference: string | undefined;
    /** Changes of capped collections that only the destination had, by their namespace on the source. */
    readonly cappedWrites: SeenChanges;
    /** Whether it would see writes of other clients on the destination. */
    readonly seesOthers: boolean;
    /**
     * Whether a capped collection has the order of the source, apart from its ends.
     * @throws CollectionDropped, CollectionMissing
     */
    isInOrder(collection: TrackedCollection): Promise<boolean>;
    /** Compares the changes of the destination's catalog. Returns the description of a difference. */
    changedCatalog(): Promise<string | undefined>;
  };
  /** Makes the stream report its position at short intervals until disposed, because a note doesn't end its wait. */
  hurry(): Disposable;
  /**
   * Stops reading the stream, and resolves when everything read is on the destination.
   * @throws the signal's reason, and then reads again
   */
  hold(signal: AbortSignal): Promise<void>;
  /** Resolves when all writes of other clients on the destination before this call are known, and wait to be compared. */
  lookAtDestination(): Promise<void>;
  /** Ends `hold`. */
  release(): void;
  /**
   * Confirms that a catalog that must not change didn't.
   * @throws UserError CATALOG_CHANGED
   */
  confirmCatalog(): Promise<void>;
  /** Stops reading changes permanently. Must be held before. */
  stop(): void;
}
