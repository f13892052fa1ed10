import { Binary, type Timestamp, type UUID } from 'mongodb';
import type { Clock, UserError } from '../../platform/index.ts';
import { rawDocument } from '../bson/raw-document.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import { documentOf, type Fields, fieldsOf } from '../catalog/fields.ts';
import { type IndexSpec, readIndexSpec } from '../catalog/index-spec.ts';
import type { CatalogEntry } from '../catalog/read-catalog.ts';
import { Gate } from '../concurrency/gate.ts';
import type { WriteTarget } from '../mongodb/raw-write.ts';
import type { CollectionRecord } from '../records/records.ts';
import {
  afterEvent,
  type CollectionEvent,
  type CollectionLifecycle,
  type CollectionStateName,
  recordedLifecycle,
  recordedState,
  wasLive,
} from './lifecycle.ts';

/** That changes may have been missed: what is to be compared, and since which loss of history. */
export interface Suspicion {
  readonly mark: string;
  /** What an earlier run has compared already; null for nothing. */
  readonly comparedTo: Binary | null;
}

/** Since when a server of the source does not have a collection whose drop the engine has not followed. */
export interface Missing {
  /** By the wall clock. */
  readonly sinceMs: number;
  readonly elapsedMs: number;
}

/** What the destination refuses, and since when, by the wall clock. */
export interface Refusal {
  readonly sinceMs: number;
  readonly error: UserError;
}

/** The same thing refused again is refused since the first time. */
export function refusedAgain(earlier: Refusal | undefined, error: UserError, clock: Clock): Refusal {
  return { sinceMs: earlier?.sinceMs ?? clock.now(), error };
}

/**
 * A collection of the source on its way to the destination. It is known by the source's UUID, so a rename changes nothing but
 * its names, and reads and writes can be pinned to exactly this collection [38].
 */
export class TrackedCollection {
  readonly uuid: UUID;
  /** The UUID as a map key. */
  readonly id: string;
  readonly sourceDatabase: string;
  sourceName: string;
  readonly destinationDatabase: string;
  destinationName: string;
  destinationUuid: UUID | null = null;
  /** Only documents that match this query are migrated; null for all. It stays with the collection, whatever that is renamed to. */
  filter: Buffer | null = null;
  #lifecycle: CollectionLifecycle = { state: 'creating' };
  /** Of a capped collection: something happened since its copy began by which the order may differ from the source's [35]. */
  reordered = false;
  /** Resolves when that is on record. */
  reorderedOnRecord: Promise<void> = Promise.resolve();
  options: Fields;
  indexes: readonly IndexSpec[] = [];
  documents = 0;
  bytes = 0;
  /** What of its copy is on record on the destination, so that a successor says no less. */
  readonly copied = { documents: 0, bytes: 0, partitions: 0, partitionsDone: 0 };
  /** Size of the average document, for choosing batch sizes; 0 when unknown. */
  averageBytes = 0;
  /** Size of the largest document seen, for guessing what keys will bring; 0 when none was. */
  largestBytes = 0;
  readAfter: Timestamp | null = null;
  #suspicion: Suspicion | null = null;
  /** Closed while the last of its spool is read: a change that went there now would stay there. */
  readonly intake = new Gate();
  /** Set while the destination refuses one of its documents: its changes wait in the spool meanwhile. */
  stuck: Refusal | undefined;
  /** Set while the destination refuses to build its indexes. */
  indexesStuck: Refusal | undefined;
  /** Pending while it becomes live and its spool is cleared: nothing may be added to that meanwhile. */
  settling: Promise<void> | undefined;
  /** Set while the source's server does not have it: its changes wait in the spool, and its copy waits, until it is there again or dropped. */
  missing: Missing | undefined;
  /** Aborts when the source has dropped the collection: what is under way for it ends without error. */
  readonly dropped = new AbortController();

  /** @param entry of the source */
  constructor(entry: CatalogEntry & { readonly uuid: UUID }, destination: Pick<WriteTarget, 'database' | 'name'>) {
    this.uuid = entry.uuid;
    this.id = entry.uuid.toHexString(false);
    this.sourceDatabase = entry.database;
    this.sourceName = entry.name;
    this.destinationDatabase = destination.database;
    this.destinationName = destination.name;
    this.options = entry.options;
  }

  static fromRecord(record: CollectionRecord): TrackedCollection {
    const entry = {
      database: record.sourceDatabase,
      name: record.sourceName,
      type: 'collection',
      uuid: record._id.u,
      options: fieldsOf(bufferOf(record.options)),
    };
    const { destinationDatabase: database, destinationName: name } = record;
    const tracked = new TrackedCollection(entry, { database, name });
    tracked.destinationUuid = record.destinationUuid;
    tracked.filter = record.filter && bufferOf(record.filter);
    tracked.#lifecycle = recordedLifecycle(record.state, record.wasLive ?? false);
    tracked.reordered = record.reordered ?? true; // Earlier versions did not note it.
    tracked.indexes = record.indexes.map((spec) => readIndexSpec(bufferOf(spec))).filter((spec) => spec !== undefined);
    tracked.documents = record.documents;
    tracked.bytes = record.bytes;
    tracked.averageBytes = record.documents > 0 ? record.bytes / record.documents : 0;
    tracked.readAfter = record.readAfter;
    return tracked;
  }

  toRecord(migrationId: string): CollectionRecord {
    return {
      _id: { m: migrationId, u: this.uuid },
      sourceDatabase: this.sourceDatabase,
      sourceName: this.sourceName,
      destinationDatabase: this.destinationDatabase,
      destinationName: this.destinationName,
      destinationUuid: this.destinationUuid,
      filter: this.filter && new Binary(this.filter),
      state: recordedState(this.#lifecycle),
      wasLive: wasLive(this.#lifecycle),
      reordered: this.reordered,
      options: new Binary(documentOf(this.options)),
      indexes: this.indexes.map((spec) => new Binary(documentOf(spec.original))),
      documents: this.documents,
      bytes: this.bytes,
      readAfter: this.readAfter,
    };
  }

  /** Its name on the source. */
  get namespace(): string {
    return `${this.sourceDatabase}.${this.sourceName}`;
  }

  /** Called after each change of the state or the suspicion. */
  onChange: () => void = () => undefined;

  /** Not null while changes of the collection may have been missed. */
  get suspicion(): Suspicion | null {
    return this.#suspicion;
  }

  set suspicion(suspicion: Suspicion | null) {
    this.#suspicion = suspicion;
    this.onChange();
  }

  get state(): CollectionStateName {
    return this.#lifecycle.state;
  }

  /** The same object as long as the collection stays in its state. */
  get lifecycle(): CollectionLifecycle {
    return this.#lifecycle;
  }

  /** The only way to another state. @throws Error for an event that can't happen in this state */
  advance(event: CollectionEvent): void {
    this.#lifecycle = afterEvent(this.#lifecycle, event);
    if (this.state === 'gone') this.dropped.abort();
    this.onChange();
  }

  /** Whether keys of it that are still in a lane have to go to the spool. */
  get isSetAside(): boolean {
    return this.state === 'indexing' || this.state === 'set aside';
  }

  /** Whether its changes go to the lanes. */
  get takesLanes(): boolean {
    return this.state === 'live' || (this.#lifecycle.state === 'draining' && !this.#lifecycle.ordered);
  }

  /** Whether its changes go to the spool, to be applied when its copy and its indexes are done. */
  get takesSpool(): boolean {
    return this.isBegun && !this.takesLanes;
  }

  /** Whether the spool is drained in its order, behind which changes are spooled too. */
  get drainsInOrder(): boolean {
    return this.#lifecycle.state === 'draining' && this.#lifecycle.ordered;
  }

  get isGone(): boolean {
    return this.state === 'gone';
  }

  /** Keys of a collection with another collation than the simple one can be equal with different bytes [29]. */
  get hasCollation(): boolean {
    return this.options.has('collation');
  }

  /** Clustered collections, which buckets of time series are too, have no index on `_id` to hint at [36]. */
  get isClustered(): boolean {
    return this.options.has('clusteredIndex') || this.options.has('timeseries');
  }

  /** The order of a capped collection is part of its data [35]. */
  get isCapped(): boolean {
    return this.options.has('capped');
  }

  /** Whether all its keys take one lane. */
  get hasOneLane(): boolean {
    return this.hasCollation || this.isCapped;
  }

  /** Takes note of the sizes of documents that were read. */
  saw(documents: readonly Buffer[]): void {
    for (const { length } of documents) if (length > this.largestBytes) this.largestBytes = length;
  }

  /** A query for those documents of another query's that are migrated. */
  selected(query: object): object {
    return this.filter === null ? query : { $and: [query, rawDocument(this.filter)] };
  }

  /** Whether it is copied and indexed. One that is set aside was done before, and no count goes back. */
  get isDone(): boolean {
    return wasLive(this.#lifecycle);
  }

  /** Whether its copy is done, so that its indexes are built or have been. */
  get isCopied(): boolean {
    return this.isBegun && this.state !== 'planning' && this.state !== 'copying';
  }

  /** Whether something of it may be on the destination. */
  get isBegun(): boolean {
    return this.state !== 'creating' && this.state !== 'pending' && this.state !== 'gone';
  }

  /** Where to write now. @throws Error before the collection exists on the destination */
  get target(): WriteTarget {
    if (this.destinationUuid === null) throw new Error(`${this.namespace} is not on the destination yet`);
    return { database: this.destinationDatabase, name: this.destinationName, uuid: this.destinationUuid };
  }
}
