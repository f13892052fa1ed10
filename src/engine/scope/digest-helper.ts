/** Which documents of the destination to digest. It is JSON, because it crosses the link. */
export interface RangeQuestion {
  /** The `replicaSetId` of the destination: a helper that reads another cluster must not answer. */
  readonly clusterId: string;
  readonly database: string;
  readonly collection: string;
  /** The collection's UUID in hexadecimal. */
  readonly uuid: string;
  readonly isClustered: boolean;
  /** The range of `_id`, `after` exclusive: keys as `keyBytes` stores them, in base64. Without `after` it has no lower bound. */
  readonly after?: string | undefined;
  readonly high: string;
  /** The documents of the source in this range. A count above it is no longer exact. */
  readonly documents: number;
  /** The destination's time that the read must not precede. */
  readonly readAfter: { readonly t: number; readonly i: number };
}

/** The digest of a sequence of documents. */
export interface RangeDigest {
  readonly documents: number;
  /** SHA-256 over the documents, one after the other, as 64 lowercase hexadecimal digits. */
  readonly digest: string;
}

/** Answers questions beside the destination. */
export interface DigestHelper {
  /** Its host name, for reports. */
  readonly host: string;
  /** Rejects when there is no answer. @param signal  ends the wait */
  ask(question: RangeQuestion, signal: AbortSignal): Promise<RangeDigest>;
}
