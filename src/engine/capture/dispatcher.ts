import { failpoint } from '../../platform/index.ts';
import { type KnownState, UNKNOWN } from '../apply/dirty-key.ts';
import type { Lanes } from '../apply/lanes.ts';
import type { Spool } from '../apply/spool.ts';
import { convertedBy } from '../catalog/converted-collection.ts';
import type { Dispatched } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { timeOfToken } from '../mongodb/cluster-time.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import { type ChangeEvent, type DocumentChange, isDocumentChange, isOfUsers } from './change-event.ts';
import type { ResumeToken, StreamBatch } from './change-stream.ts';
import type { SourceCatalog } from './source-catalog.ts';
import type { Watermark } from './watermark.ts';

/**
 * Dispatches each change in the order of the stream: to a lane, to the spool, or to the catalog. Serial, so that every
 * event sees one consistent collection state.
 */
export class Dispatcher {
  readonly #context: Clusters & Pace & Telling & Dispatched;
  readonly #lanes: Lanes;
  readonly #spool: Spool;
  readonly #watermark: Watermark;
  readonly #catalog: SourceCatalog;
  /** Whether any change of the batch was dispatched to a lane or the spool. */
  #sent = false;
  /** Set while a caller waits for a comparison of the catalogs. */
  #comparison: PromiseWithResolvers<void> | undefined;
  readonly #missed: (concerned: (collection: TrackedCollection) => boolean) => Promise<void>;

  /** @param missed  declares that changes of collections were missed; on record when it resolves */
  constructor(
    context: Clusters & Pace & Telling & Dispatched,
    sinks: { readonly lanes: Lanes; readonly spool: Spool; readonly watermark: Watermark },
    catalog: SourceCatalog,
    missed: (concerned: (collection: TrackedCollection) => boolean) => Promise<void>,
  ) {
    this.#context = context;
    this.#lanes = sinks.lanes;
    this.#spool = sinks.spool;
    this.#watermark = sinks.watermark;
    this.#catalog = catalog;
    this.#missed = missed;
  }

  /** The number of the last batch that was dispatched. */
  get sequence(): number {
    return this.#context.position.sequence;
  }

  /** Dispatches a whole batch. After that the checkpoint may pass it as soon as its keys are safe. */
  async dispatch(batch: StreamBatch): Promise<void> {
    this.#context.position.sequence += 1;
    this.#sent = false;
    // Catalog reads don't have majority read concern. The state that the engine read from the last primary may have
    // been rolled back, and no event reports that.
    const comparison = this.#comparison;
    this.#comparison = undefined;
    // rule: compare-after-stream-break
    if (batch.afterBreak || comparison !== undefined) await this.#catalog.start();
    comparison?.resolve();
    const converted = new Set(batch.events.filter(isConversion).map(({ collectionId }) => collectionId));
    for (const event of batch.events) {
      if (!isOfUsers(event)) continue;
      if (!isDocumentChange(event)) {
        this.#catalog.changed(event);
      } else {
        const collection = await this.#catalog.collectionOf(event);
        if (collection?.intake.closed) await collection.intake.pass(this.#context.signal);
        if (collection !== undefined) this.#send(collection, event);
      }
      this.#context.position.time = event.time;
    }
    await this.#catalog.settle();
    this.#context.position.time = batch.time;
    // rule: suspect-after-conversion
    if (converted.size > 0) await this.#missed(({ id }) => converted.has(id));
    await failpoint('engine.capture.batch-dispatched');
    const { token, time, bytes } = batch;
    // rule: sequence-per-batch
    if (this.#sent) this.#watermark.dispatched({ sequence: this.sequence, token, time, bytes });
    else this.#watermark.passed({ token, time });
    this.#context.changes.notify();
    if (this.#spool.isFull) await this.#spool.flush();
    await this.#lanes.room(() => this.#watermark.heldBytes);
  }

  /**
   * Requests a comparison of both catalogs before the next batch, for a change that no event shows. Resolves when it is
   * done.
   */
  async compareCatalogs(): Promise<void> {
    this.#comparison ??= Promise.withResolvers();
    await this.#comparison.promise;
  }

  /** Continues at a new position. Nothing before it will be dispatched any more. */
  goOnAt(token: ResumeToken): void {
    this.#context.position.sequence += 1;
    this.#watermark.dispatched({ sequence: this.sequence, token, time: timeOfToken(token), bytes: 0 });
  }

  #send(collection: TrackedCollection, event: DocumentChange): void {
    const { key } = event;
    const { counters } = this.#context;
    this.#sent = true;
    counters.read += 1;
    if (collection.filter === null) this.#context.seen.note(collection.namespace);
    // Another shard may have the key, too. A capped collection is on one shard, and needs to know its deletes.
    const mayRepeat = isSharded(this.#context.source) && !collection.isCapped;
    // rule: read-sharded-deletes
    const state = mayRepeat ? UNKNOWN : stateAfter(event, collection);
    if (collection.takesLanes) {
      this.#lanes.add({ collection, key, state, sequence: this.sequence });
    } else if (collection.takesSpool) {
      if (collection.state === 'planning' || collection.state === 'copying') counters.duringCopy += 1;
      // rule: spool-while-copying
      this.#spool.add(collection, key, this.sequence, event.time, state);
    }
    // A collection whose copy hasn't begun will be read in a later state anyway.
  }
}

/**
 * Whether the event is the last step of `convertToCapped`. No stream shows its inserts; where the engine can read the
 * oplog, it finds them there.
 */
function isConversion({ operation, collection }: ChangeEvent): boolean {
  return operation === 'rename' && convertedBy(collection) !== undefined;
}

/** The source decides whether a document matches its collection's filter. */
function stateAfter(event: ChangeEvent, { filter }: TrackedCollection): KnownState {
  if (event.operation === 'delete') return { kind: 'deleted' };
  if (event.fullDocument === undefined || filter !== null) return { kind: 'unknown' };
  return { kind: event.operation === 'insert' ? 'inserted' : 'replaced', document: event.fullDocument };
}
