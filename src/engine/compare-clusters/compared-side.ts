import type { MongoClient, Timestamp } from 'mongodb';
import { rawDocument } from '../bson/raw-document.ts';
import type { ReadFrom } from '../compare/document-reader.ts';
import { isBefore } from '../mongodb/cluster-time.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import type { Side } from '../mongodb/side.ts';
import type { ComparedPair } from './compared-pair.ts';

/** One of the two compared clusters, and how far its history is known. */
export class ComparedSide {
  readonly side: Side;
  readonly client: MongoClient;
  readonly features: SourceFeatures;
  /** Distinguishes replica sets; empty when the user may not see it. */
  readonly clusterId: string;
  /** Whether a change stream shows every change of this side. Without the privilege, changes stay unseen. */
  isWatched = true;
  /** Whether the whole oplog since then was searched for writes that no change stream shows. */
  isOplogRead = true;
  /** The change stream has shown everything up to this time. */
  shownTo: Timestamp | undefined;
  #latest: Timestamp | undefined;

  constructor(side: Side, client: MongoClient, features: SourceFeatures, clusterId: string) {
    this.side = side;
    this.client = client;
    this.features = features;
    this.clusterId = clusterId;
  }

  /** The latest time that the side has reported. */
  get latest(): Timestamp | undefined {
    return this.#latest;
  }

  /** Notes the time of an answer. Later reads show at least the state of that answer, whichever member they reach. */
  note(time: Timestamp | undefined): void {
    if (time !== undefined && (this.#latest === undefined || isBefore(this.#latest, time))) this.#latest = time;
  }

  /** Whether every change up to a time is known. Nothing can be known of a side that isn't watched. */
  hasShown(time: Timestamp | undefined): boolean {
    if (!this.isWatched || time === undefined) return true;
    return this.shownTo !== undefined && !isBefore(this.shownTo, time);
  }

  /** Whether a stream shows changes of this side's collection. Before 6.0 it shows none of system collections. */
  shows(pair: ComparedPair): boolean {
    return this.isWatched && (this.features.showsCatalogChanges || !pair[this.side].name.startsWith('system.'));
  }

  /** Returns how to read this side's collection of a pair. */
  readFrom(pair: ComparedPair): ReadFrom {
    const { database, name, uuid, options } = pair[this.side];
    const { filter } = pair;
    const isClustered = options.has('clusteredIndex') || options.has('timeseries');
    const time = this.#latest === undefined ? {} : { afterClusterTime: this.#latest };
    return {
      database,
      name,
      ...(this.features.pinsReads ? { uuid } : {}),
      isClustered,
      // The destination is to have no other documents, so all of its documents count.
      ...(filter !== undefined && this.side === 'source'
        ? { select: (query: object) => ({ $and: [query, rawDocument(filter)] }) }
        : {}),
      readConcern: { level: 'majority', ...time },
    };
  }
}
