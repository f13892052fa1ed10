import { reach } from '../../platform/index.ts';
import type { KnownState } from '../apply/dirty-key.ts';
import type { Lanes } from '../apply/lanes.ts';
import { isServerCollection, isUserDatabase } from '../catalog/namespaces.ts';
import type { TrackedCollection } from '../catalog/tracked-collection.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import { type ChangeEvent, isDocumentChange } from './change-event.ts';
import type { StreamBatch } from './change-stream.ts';
import type { Spool } from './spool.ts';
import type { Watermark } from './watermark.ts';

/** Collections that were gone before their changes came; remembered so that each is looked for once. */
const GONE_REMEMBERED = 10_000;

/** Sends each change where it belongs, in the order of the stream. One at a time, so that a collection's state is one for each. */
export class Dispatcher {
  readonly #context: EngineContext;
  readonly #lanes: Lanes;
  readonly #spool: Spool;
  readonly #watermark: Watermark;
  readonly #catalogChanged: (databases: ReadonlySet<string>) => Promise<void>;
  readonly #gone = new Set<string>();
  #sequence = 0;

  /** @param catalogChanged  brings the destination's catalog in step for these databases */
  constructor(
    context: EngineContext,
    sinks: { readonly lanes: Lanes; readonly spool: Spool; readonly watermark: Watermark },
    catalogChanged: (databases: ReadonlySet<string>) => Promise<void>,
  ) {
    this.#context = context;
    this.#lanes = sinks.lanes;
    this.#spool = sinks.spool;
    this.#watermark = sinks.watermark;
    this.#catalogChanged = catalogChanged;
  }

  /** Dispatches a batch to its end; then the checkpoint may pass it as soon as its keys are safe. */
  async dispatch(batch: StreamBatch): Promise<void> {
    this.#sequence += 1;
    const changedDatabases = new Set<string>();
    for (const event of batch.events) {
      if (!isUserDatabase(event.database) || isServerCollection(event.collection)) continue;
      if (!isDocumentChange(event)) {
        changedDatabases.add(event.database);
      } else {
        const collection = await this.#collectionOf(event, changedDatabases);
        if (collection !== undefined) this.#send(collection, event);
      }
      this.#context.position.time = event.time;
    }
    if (changedDatabases.size > 0) await this.#catalogChanged(changedDatabases);
    this.#context.position.time = batch.time;
    await reach('engine.capture.batch-dispatched');
    this.#watermark.dispatched({ sequence: this.#sequence, token: batch.token, time: batch.time });
    if (this.#spool.isFull) await this.#spool.flush();
    await this.#lanes.room();
  }

  async #collectionOf(
    event: ChangeEvent & { readonly collectionId: string },
    changedDatabases: Set<string>,
  ): Promise<TrackedCollection | undefined> {
    const known = this.#context.tracked.get(event.collectionId);
    if (known !== undefined || this.#gone.has(event.collectionId)) return known;
    // Made after the catalog was last read, or gone already: the catalog of now knows.
    await this.#catalogChanged(changedDatabases.add(event.database));
    changedDatabases.clear();
    const found = this.#context.tracked.get(event.collectionId);
    if (found === undefined) {
      if (this.#gone.size >= GONE_REMEMBERED) this.#gone.clear();
      this.#gone.add(event.collectionId);
    }
    return found;
  }

  #send(collection: TrackedCollection, event: ChangeEvent & { readonly key: NonNullable<ChangeEvent['key']> }): void {
    const { key } = event;
    const { counters } = this.#context;
    counters.read += 1;
    if (collection.filter === null) counters.concerned += 1;
    if (collection.state === 'live' || collection.draining) {
      this.#lanes.add({ collection, key, state: stateAfter(event, collection), sequence: this.#sequence });
    } else if (collection.state === 'copying' || collection.state === 'indexing') {
      if (collection.state === 'copying') counters.duringCopy += 1;
      this.#spool.add(collection, key, this.#sequence, event.time);
    }
    // A collection whose copy has not begun will be read in a later state anyway.
  }
}

/** Whether a document matches its collection's filter is for the source to say. */
function stateAfter(event: ChangeEvent, { filter }: TrackedCollection): KnownState {
  if (event.operation === 'delete') return { kind: 'deleted' };
  if (event.fullDocument === undefined || filter !== null) return { kind: 'unknown' };
  return { kind: event.operation === 'insert' ? 'inserted' : 'replaced', document: event.fullDocument };
}
