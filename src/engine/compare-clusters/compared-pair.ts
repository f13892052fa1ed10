import { Binary } from 'mongodb';
import type { DocumentDifference } from '../../contract/index.ts';
import { type DocumentKey, keyBytes, keyFromBytes } from '../bson/document-key.ts';
import { differingFields } from '../catalog/fields.ts';
import { expireAfterSeconds } from '../catalog/index-spec.ts';
import type { ComparedChunk } from '../compare/compare-chunk.ts';
import { DocumentsDigest } from '../compare/digest.ts';
import type { SideEntry } from '../compare/side-catalog.ts';
import type { SavedPair } from './saved-state.ts';

/** How far the comparison was after one of its chunks. */
interface Position {
  readonly chunk: number;
  readonly after: string | null;
  readonly digests: SavedPair['digests'];
  readonly isDone: boolean;
}

/** The natural order of a capped collection, as it was compared. */
export interface KnownOrder {
  /** The changes that were seen before it was read. After later ones it has to be compared again. */
  readonly changesSeen: number;
  /** The first document out of its order. */
  readonly disorder: DocumentDifference | undefined;
  /** Absent when only one side had some of the documents. */
  readonly digests: { readonly source: string; readonly destination: string } | undefined;
}

const NOTHING = new DocumentsDigest().value;
/** The position of a pair of which nothing is compared. */
const START: Position = {
  chunk: 0,
  after: null,
  digests: { both: NOTHING, source: NOTHING, destination: NOTHING },
  isDone: false,
};

/** A collection of the source and its counterpart on the destination. */
export class ComparedPair {
  #source: SideEntry;
  #destination: SideEntry;
  /** A query for the documents of the source that count; all when undefined. */
  readonly filter: Buffer | undefined;
  /** Changes that the streams have shown since the comparison began. */
  readonly changes = { source: 0, destination: 0 };
  /** Keys that were found equal after a change. */
  rechecked = 0;
  state: 'waiting' | 'comparing' | 'compared' = 'waiting';
  /** Whether a server has reported that one of the collections was dropped or renamed. */
  isMoved = false;
  #isInvalid = false;
  /** Never saved: a resumed run compares the order anew. */
  #order: KnownOrder | 'unknown' | 'undecided' = 'unknown';
  /** The documents that both sides have alike, and those of chunks with differences. */
  #digests = digestsFrom(START.digests);
  #after: DocumentKey | undefined;
  #chunk = 0;
  #positions: Position[] = [];

  constructor(source: SideEntry, destination: SideEntry, filter: Buffer | undefined, saved: SavedPair | undefined) {
    this.#source = source;
    this.#destination = destination;
    this.filter = filter;
    if (saved !== undefined) {
      this.#digests = digestsFrom(saved.digests);
      this.#after = saved.after === null ? undefined : keyFromBytes(Buffer.from(saved.after, 'base64'));
      Object.assign(this.changes, saved.changes);
      this.rechecked = saved.rechecked;
      this.state = saved.isDone ? 'compared' : 'comparing';
    }
    this.#note(saved?.isDone ?? false);
  }

  get source(): SideEntry {
    return this.#source;
  }

  get destination(): SideEntry {
    return this.#destination;
  }

  /** Takes over the options and indexes that the catalogs show now. */
  withCatalog(source: SideEntry, destination: SideEntry): this {
    this.#source = source;
    this.#destination = destination;
    this.isMoved = false;
    return this;
  }

  /** The same collections have the same identity, whatever their names. */
  get identity(): string {
    return `${idOf(this.#source)} ${idOf(this.#destination)}`;
  }

  get namespace(): string {
    return this.source.sourceNamespace;
  }

  get destinationNamespace(): string {
    return this.source.destinationNamespace;
  }

  get isCapped(): boolean {
    return this.source.options.has('capped') && this.destination.options.has('capped');
  }

  /** Whether it has an order that was not compared since the last change. */
  get isOrderOpen(): boolean {
    return this.isCapped && this.order?.changesSeen !== this.changesSeen;
  }

  /** The order of a capped collection; undefined until it was compared. */
  get order(): KnownOrder | undefined {
    return typeof this.#order === 'string' ? undefined : this.#order;
  }

  /** Whether the last attempt to compare its order came to no result. */
  get isOrderUndecided(): boolean {
    return this.#order === 'undecided';
  }

  /** Takes the result of comparing its order. */
  endOrder(order: KnownOrder | 'undecided'): void {
    this.#order = order;
  }

  get changesSeen(): number {
    return this.changes.source + this.changes.destination;
  }

  /** Whether servers delete documents by themselves, each at times of its own. */
  get expires(): boolean {
    return [this.source, this.destination].some(
      ({ options, indexes }) => options.has('expireAfterSeconds') || indexes.some((spec) => expireAfterSeconds(spec)),
    );
  }

  /** Whether both sides have their keys in the same order. */
  get isOrderedAlike(): boolean {
    const [a, b] = [this.source, this.destination].map(
      ({ options }) => new Map([...options].filter(([name]) => name === 'collation')),
    );
    return a !== undefined && b !== undefined && differingFields(a, b).length === 0;
  }

  /** Whether all its documents have to be compared anew. */
  get isInvalid(): boolean {
    return this.#isInvalid;
  }

  /** Has all its documents compared anew, because some were written without an event, and it is unknown which. */
  invalidate(): void {
    this.#isInvalid = true;
  }

  /** The key to begin the next chunk after. */
  get after(): DocumentKey | undefined {
    return this.#after;
  }

  /** The number of the chunk that is being compared. */
  get chunk(): number {
    return this.#chunk;
  }

  /** Documents of the source that were compared, and their bytes. */
  get compared(): { readonly documents: number; readonly bytes: number } {
    const { both, source } = this.#digests;
    return { documents: both.value.count + source.value.count, bytes: both.value.bytes + source.value.bytes };
  }

  /** Begins a chunk at the last position. The counts of a chunk that failed are discarded. */
  begin(): void {
    this.state = 'comparing';
    if (this.#isInvalid) this.#startOver();
    const last = this.#positions.at(-1);
    if (last !== undefined) this.#digests = digestsFrom(last.digests);
  }

  /** Takes compared documents into the digests. */
  saw(documents: Iterable<Buffer>, side: 'source' | 'destination' | 'both'): void {
    for (const document of documents) this.#digests[side].add(document);
  }

  /** Moves on to the next chunk. */
  advance({ last }: ComparedChunk): void {
    if (last !== undefined) this.#after = keyFromBytes(keyBytes(last));
    this.#note(false);
  }

  /** Ends the comparison, unless it was invalidated meanwhile. @returns whether it has ended */
  finish(): boolean {
    if (this.#isInvalid) return false;
    this.state = 'compared';
    this.#note(true);
    return true;
  }

  /** Returns count, bytes and digest of all compared documents of a side. */
  digestOf(side: 'source' | 'destination') {
    const digest = DocumentsDigest.from(this.#digests.both.value);
    digest.combine(this.#digests[side]);
    return digest.value;
  }

  /**
   * Returns the position to resume from.
   * @param oldest  the first chunk that found a key to differ which has not settled yet
   */
  saved(oldest: number): SavedPair {
    const place = this.#positions.findLastIndex(({ chunk }) => chunk <= oldest);
    this.#positions.splice(0, Math.max(0, place));
    const position = this.#isInvalid ? START : this.#positions[0];
    if (position === undefined) throw new Error('A pair has always a position');
    const { after, digests, isDone } = position;
    return {
      identity: this.identity,
      namespace: this.namespace,
      after,
      digests,
      isDone: isDone && !this.isMoved,
      changes: { ...this.changes },
      rechecked: this.rechecked,
    };
  }

  #startOver(): void {
    this.#isInvalid = false;
    this.#after = undefined;
    this.#chunk += 1;
    this.#positions = [{ ...START, chunk: this.#chunk }];
  }

  #note(isDone: boolean): void {
    if (this.#positions.length > 0) this.#chunk += 1;
    const { both, source, destination } = this.#digests;
    this.#positions.push({
      chunk: this.#chunk,
      after: this.#after === undefined ? null : keyBytes(this.#after).toString('base64'),
      digests: { both: both.value, source: source.value, destination: destination.value },
      isDone,
    });
  }
}

function digestsFrom({ both, source, destination }: SavedPair['digests']) {
  return {
    both: DocumentsDigest.from(both),
    source: DocumentsDigest.from(source),
    destination: DocumentsDigest.from(destination),
  };
}

function idOf({ uuid, sourceNamespace }: SideEntry): string {
  return uuid === undefined ? sourceNamespace : new Binary(uuid.buffer).toString('hex');
}
