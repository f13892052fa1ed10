import type { Timestamp } from 'mongodb';

/** How far the dispatcher has come. Reads at or after it see all that was dispatched. */
export interface StreamPosition {
  /** Cluster time of the last change dispatched, or of the stream's start. */
  time: Timestamp;
}
