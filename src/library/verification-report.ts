/** A cluster's own time: seconds since the epoch, and a number within the second. */
export interface ClusterTime {
  readonly t: number;
  readonly i: number;
}

/** One of the two clusters that were compared. */
export interface VerifiedCluster {
  /** Distinguishes clusters; of a sharded cluster its `clusterId`; empty when the user may not see it. */
  readonly replicaSetId: string;
  /** Set for a sharded cluster only. */
  readonly sharded?: true | undefined;
  /** Whether a change stream showed every change while the comparison ran. */
  readonly watched: boolean;
  /** Whether the oplog was read too: it shows writes without events. */
  readonly oplogRead: boolean;
  /** The time of this side at which the result holds. */
  readonly clusterTime: ClusterTime | null;
}

/** A collection on one side. */
export interface VerifiedSide {
  readonly count: number;
  /** Sum of the documents' lengths in BSON. */
  readonly bytes: number;
  /** Sum modulo 2^256 of SHA-256 over each document; null when some changed meanwhile. */
  readonly digest: string | null;
  /** Chain of SHA-256 in natural order; of capped collections. */
  readonly orderDigest?: string;
  /** Changes seen while it was compared; null when nobody could see them. */
  readonly changed: number | null;
  /** Fingerprint of the options. */
  readonly options: string;
  /** Fingerprint of each complete index but the one on `_id`. */
  readonly indexes: Readonly<Record<string, string>>;
}

/** A collection that was compared. */
export interface VerifiedCollection {
  /** database.name on the source. */
  readonly namespace: string;
  readonly destinationNamespace: string;
  readonly type: 'collection' | 'timeseries';
  readonly source: VerifiedSide;
  readonly destination: VerifiedSide;
  /** Keys that changed meanwhile and were equal after their last change. */
  readonly rechecked: number;
  readonly differences: number;
  /** Keys that kept changing. */
  readonly undecided: number;
}

/** A collection, view, index, user or role that differs. */
export interface CatalogDifference {
  readonly namespace: string;
  readonly destinationNamespace: string;
  readonly class:
    | 'collection missing'
    | 'collection extra'
    | 'options'
    | 'view'
    | 'index missing'
    | 'index extra'
    | 'index'
    | 'user'
    | 'role';
  readonly name?: string;
  readonly path?: string;
  readonly source?: string;
  readonly destination?: string;
}

/** A key whose documents differ, or a document of a capped collection that is out of order. */
export interface DocumentDifference {
  readonly namespace: string;
  readonly destinationNamespace: string;
  /** In canonical Extended JSON; its beginning, as a string, when it is too long. */
  readonly _id: unknown;
  readonly class: 'missing' | 'extra' | 'different' | 'field order' | 'capped order';
  /** The first field that differs. */
  readonly path: string | null;
  readonly firstSeenMs: number;
  readonly sourceTime: ClusterTime | null;
  readonly destinationTime: ClusterTime | null;
  /** Set when the key changed on the destination and not on the source. */
  readonly foreign?: true;
  /** Set when it was written to the destination, and equal afterwards. */
  readonly repaired?: true;
}

/**
 * The report of a comparison, as JSON. docs/reference/verification-report.schema.json is its schema. Times are texts in
 * UTC: `2026-11-27T18:00:00.000Z`.
 */
export interface VerificationReport {
  readonly type: 'linkspan verification';
  readonly formatVersion: 1;
  readonly linkspanVersion: string;
  /** `undecided`: keys kept changing, or an order could not be compared. `unfinished`: the run was stopped. */
  readonly result: 'equal' | 'undecided' | 'different' | 'unfinished';
  /** The result in words, and what it proves. */
  readonly explanation: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly seconds: number;
  readonly source: VerifiedCluster;
  readonly destination: VerifiedCluster;
  /** The compared selection, in the fields of the configuration file; empty for everything. */
  readonly selection: Readonly<Record<string, unknown>>;
  readonly collections: readonly VerifiedCollection[];
  /** Views whose definitions were compared. */
  readonly views: number;
  readonly totals: {
    readonly collections: number;
    readonly documents: number;
    readonly bytes: number;
    readonly rechecked: number;
    readonly undecided: number;
  };
  readonly catalogDifferences: readonly CatalogDifference[];
  readonly differences: {
    /** Documents that differ, without repaired ones. */
    readonly total: number;
    readonly repaired: number;
    /** Differences that were counted and not listed. */
    readonly unlisted: number;
    /** The first ones. */
    readonly examples: readonly DocumentDifference[];
  };
}
