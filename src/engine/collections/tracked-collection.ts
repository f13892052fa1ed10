import { Binary, type Timestamp, type UUID } from 'mongodb';
import type { Clock, UserError } from '../../platform/index.ts';
import type { DocumentBatch } from '../bson/document-batch.ts';
import { rawDocument } from '../bson/raw-document.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import { documentOf, type Fields, fieldsOf } from '../catalog/fields.ts';
import { type IndexSpec, readIndexSpec } from '../catalog/index-spec.ts';
import type { CatalogEntry } from '../catalog/read-catalog.ts';
import { Gate } from '../concurrency/gate.ts';
import type { WriteTarget } from '../mongodb/raw-write.ts';
import type { CollectionRecord, ReadOrder } from '../records/records.ts';
import {
  afterEvent,
  type CollectionEvent,
  type CollectionLifecycle,
  type CollectionStateName,
  recordedLifecycle,
  recordedState,
  wasLive,
} from './lifecycle.ts';

/** A note that changes of a collection may have been missed, so that both sides have to be compared. */
export interface Suspicion {
  /** Identifies the loss of history. */
  readonly mark: string;
  /** The key up to which an earlier run has compared; null when it has compared nothing. */
  readonly comparedTo: Binary | null;
}

/** The time since which a server of the source lacks a collection whose drop the stream has not shown. */
export interface Missing {
  /** Wall clock. */
  readonly sinceMs: number;
  readonly elapsedMs: number;
}

/** A document that made room for another one. */
export interface Displacement {
  /** The mark on its record. */
  readonly mark: string;
  /** Wall clock. */
  readonly sinceMs: number;
  readonly elapsedMs: number;
}

/** An error by which the destination refuses something, and the wall clock time of the first refusal. */
export interface Refusal {
  readonly sinceMs: number;
  readonly error: UserError;
}

/** Returns a refusal with the latest error and the time of the first one. */
export function refusedAgain(earlier: Refusal | undefined, error: UserError, clock: Clock): Refusal {
  return { sinceMs: earlier?.sinceMs ?? clock.now(), error };
}

/**
 * A collection of the source that the engine migrates. Its identity is the source's UUID, so a rename changes only its names, and each
 * read and write names exactly this collection (docs/reference/pitfalls.md#pitfall-38).
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
  /** Only documents that match this query are migrated; null for all. A rename of the collection does not change it. */
  filter: Buffer | null = null;
  #lifecycle: CollectionLifecycle = { state: 'creating' };
  /** Whether a capped collection's order may differ from the source's (docs/reference/pitfalls.md#pitfall-35). */
  reordered = false;
  /** How often that was noted: a comparison that found its order equal counts only if it didn't grow meanwhile. */
  reorders = 0;
  /** Whether this engine has copied the capped collection again because it differed at a cutover. */
  copiedAgain = false;
  /** Resolves when `reordered` is on record. */
  reorderedOnRecord: Promise<void> = Promise.resolve();
  options: Fields;
  indexes: readonly IndexSpec[] = [];
  documents = 0;
  bytes = 0;
  /** The progress of its copy that is on record, so that a successor reports no less. */
  readonly copied = { documents: 0, bytes: 0, partitions: 0, partitionsDone: 0 };
  /** Size of the average document in bytes, for choosing batch sizes; 0 when unknown. */
  averageBytes = 0;
  /** Size in bytes of the largest document read so far, for estimating the memory that keys need; 0 when none was read. */
  largestBytes = 0;
  readAfter: Timestamp | null = null;
  /** The order of the copy's reads; null until the copy is planned. */
  readOrder: ReadOrder | null = null;
  /** Size in bytes of its index on `_id` on the source if the copy reads it in natural order; 0 when not, or unknown. */
  scannedIdIndex = 0;
  #suspicion: Suspicion | null = null;
  /** Closed while the engine reads the last of its spool: a change that was spooled now would stay there. */
  readonly intake = new Gate();
  /** Set while the destination refuses one of its documents. Its changes wait in the spool. */
  stuck: Refusal | undefined;
  /** Set while the destination refuses to build its indexes. */
  indexesStuck: Refusal | undefined;
  /** Pending while it becomes live and its spool is cleared: nothing may be spooled until then. */
  settling: Promise<void> | undefined;
  /** Set while the source's server lacks it. Its copy waits, and its changes wait in the spool, until it is back or dropped. */
  missing: Missing | undefined;
  /**
   * Documents that were deleted on the destination to make room for others with their unique values, and that aren't
   * written again: by the identity of the key, oldest first.
   */
  readonly displaced = new Map<string, Displacement>();
  /** Aborts when the source has dropped the collection: its workers stop without an error. */
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
    tracked.#lifecycle = recordedLifecycle(record.state, record.wasLive);
    tracked.reordered = record.reordered;
    tracked.indexes = record.indexes.map((spec) => readIndexSpec(bufferOf(spec))).filter((spec) => spec !== undefined);
    tracked.documents = record.documents;
    tracked.bytes = record.bytes;
    tracked.averageBytes = record.documents > 0 ? record.bytes / record.documents : 0;
    tracked.readAfter = record.readAfter;
    tracked.readOrder = record.readOrder ?? null;
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
      ...(this.readOrder && { readOrder: this.readOrder }),
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

  /** Whether its keys that are still in a lane have to go to the spool. */
  get isQuarantined(): boolean {
    return this.state === 'indexing' || this.state === 'quarantined';
  }

  /** Whether its changes go to the lanes. */
  get takesLanes(): boolean {
    // rule: spool-while-draining
    return this.state === 'live' || (this.#lifecycle.state === 'draining' && !this.#lifecycle.ordered);
  }

  /** Whether its changes go to the spool, to be applied when its copy and its indexes are done. */
  get takesSpool(): boolean {
    return this.isBegun && !this.takesLanes;
  }

  /** Whether its spool is drained in order, so that new changes queue behind it in the spool. */
  get drainsInOrder(): boolean {
    return this.#lifecycle.state === 'draining' && this.#lifecycle.ordered;
  }

  get isGone(): boolean {
    return this.state === 'gone';
  }

  /** Whether keys with different bytes can be equal, because of a collation (docs/reference/pitfalls.md#pitfall-29). */
  get hasCollation(): boolean {
    return this.options.has('collation');
  }

  /** Whether it has no `_id` index to hint at, like clustered collections and buckets (docs/reference/pitfalls.md#pitfall-36). */
  get isClustered(): boolean {
    return this.options.has('clusteredIndex') || this.options.has('timeseries');
  }

  /** Whether its order is part of its data (docs/reference/pitfalls.md#pitfall-35). */
  get isCapped(): boolean {
    return this.options.has('capped');
  }

  /** Whether all its keys take one lane. */
  get hasOneLane(): boolean {
    return this.hasCollation || this.isCapped;
  }

  /** Updates `largestBytes` with documents that were read. */
  saw({ largestBytes }: DocumentBatch): void {
    if (largestBytes > this.largestBytes) this.largestBytes = largestBytes;
  }

  /** Returns a query for the documents that match the given one and are migrated. */
  selected(query: object): object {
    return this.filter === null ? query : { $and: [query, rawDocument(this.filter)] };
  }

  /** Whether it is copied and indexed. A collection that was quarantined later still counts. */
  get isDone(): boolean {
    return wasLive(this.#lifecycle);
  }

  /** Whether its copy is done. */
  get isCopied(): boolean {
    return this.isBegun && this.state !== 'planning' && this.state !== 'copying';
  }

  /** The documents and bytes that the copy reads: estimates by the source's statistics until it is done. */
  get total(): { readonly documents: number; readonly bytes: number } {
    const { documents, bytes } = this.copied;
    if (this.isCopied) return { documents, bytes };
    return { documents: Math.max(this.documents, documents), bytes: Math.max(this.bytes, bytes) };
  }

  /** Whether the destination may have documents of it. */
  get isBegun(): boolean {
    return this.state !== 'creating' && this.state !== 'pending' && this.state !== 'gone';
  }

  /** The collection's current place on the destination. @throws Error before the collection exists there */
  get target(): WriteTarget {
    if (this.destinationUuid === null) throw new Error(`${this.namespace} is not on the destination yet`);
    return { database: this.destinationDatabase, name: this.destinationName, uuid: this.destinationUuid };
  }
}
