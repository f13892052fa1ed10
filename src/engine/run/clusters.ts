import type { MongoClient } from 'mongodb';
import type { Finding } from '../../contract/index.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import type { ClusterDescription } from '../preflight/inspect-cluster.ts';

/** The connections to both clusters of a run, with the results of their checks. */
export interface CheckedClusters {
  readonly source: MongoClient;
  readonly destination: MongoClient;
  readonly checked: {
    readonly source: Pick<ClusterDescription, 'clusterId' | 'primary'>;
    readonly destination: Pick<ClusterDescription, 'clusterId' | 'primary'>;
    readonly sourceFeatures: SourceFeatures;
    readonly warnings: readonly Finding[];
    /** Whether the warnings include the advice of slow checks. */
    readonly hasAdvice: boolean;
  };
  /** The users as which the engine writes to the destination. */
  readonly writers: ReadonlySet<string>;
  /** Set for a run that doesn't need its source, which can't be used. Nothing has connected to it then. */
  readonly lacksSource?: LackOfSource;
}

/** Why a source can't be used, and what the run does without it. */
export interface LackOfSource {
  readonly act: 'cancel' | 'finish the cutover';
  readonly reason: string;
}
