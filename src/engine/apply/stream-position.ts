import type { Timestamp } from 'mongodb';

/** The dispatcher's position. Reads at or after it see everything dispatched. */
export interface StreamPosition {
  /** Cluster time of the last dispatched change, or of the stream's start. */
  time: Timestamp;
  /** The number of the batch that is dispatched now, or was dispatched last. */
  sequence: number;
}
