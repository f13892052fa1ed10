import { newId } from '../platform/index.ts';

/** The changes of a list since the part before. */
export interface ListPart<Item> {
  /** Names the series of parts, which begins with part 0. */
  readonly series: string;
  readonly part: number;
  /** How many items the whole list has. */
  readonly total: number;
  readonly changed: Item[];
  /** The ids of items that the list no longer has. */
  readonly removed: string[];
}

/** The most items of a part, fewer than the control plane takes of a list. */
const MOST_ITEMS = 500;

/** The room of one part. Its first item is taken in any case. */
class Room {
  #bytes: number;
  #items = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** Returns as many as fit. */
  take<Item>(items: readonly Item[]): Item[] {
    const end = items.findIndex((item) => !this.#takes(item));
    return items.slice(0, end < 0 ? items.length : end);
  }

  #takes(item: unknown): boolean {
    this.#bytes -= JSON.stringify(item).length;
    // rule: room-of-a-report
    if (this.#items > 0 && (this.#bytes < 0 || this.#items === MOST_ITEMS)) return false;
    this.#items += 1;
    return true;
  }
}

/**
 * Sends a long list in bounded parts: each has only the changes that the control plane does not have yet. Remembers the
 * last text of each item that the control plane has acknowledged.
 */
export class ListFeed<Item extends { readonly id: string }> {
  #series = newId();
  #part = 0;
  #acknowledged = new Map<string, string>();
  #sent: ListPart<Item> | undefined;
  /** Whether the last part left something out. */
  #hasMore = false;

  /** Whether another part should follow soon. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  /**
   * Returns the next part to send; undefined while the control plane has everything.
   * @param items  the whole list
   * @param bytes  room for the JSON of the part's items; one item is sent in any case
   */
  next(items: readonly Item[], bytes: number): ListPart<Item> | undefined {
    const changed = items.filter((item) => this.#acknowledged.get(item.id) !== JSON.stringify(item));
    const present = new Set(items.map(({ id }) => id));
    const removed = [...this.#acknowledged.keys()].filter((id) => !present.has(id));
    const room = new Room(bytes);
    const part = {
      series: this.#series,
      part: this.#part,
      total: items.length,
      changed: room.take(changed),
      removed: room.take(removed),
    };
    this.#hasMore = part.changed.length + part.removed.length < changed.length + removed.length;
    const isNew = this.#part === 0 || part.changed.length > 0 || part.removed.length > 0;
    this.#sent = isNew ? part : undefined;
    return this.#sent;
  }

  /** Notes that the control plane has stored the last part. */
  acknowledge(): void {
    if (this.#sent === undefined) return;
    for (const item of this.#sent.changed) this.#acknowledged.set(item.id, JSON.stringify(item));
    for (const id of this.#sent.removed) this.#acknowledged.delete(id);
    this.#sent = undefined;
    this.#part += 1;
  }

  /** Notes that the last part may or may not have arrived: its items are sent again, as they are then. */
  lose(): void {
    if (this.#sent === undefined) return;
    // An id without a text is removed or sent again, whatever the item is by then.
    const ids = [...this.#sent.changed.map(({ id }) => id), ...this.#sent.removed];
    for (const id of ids) this.#acknowledged.set(id, '');
    this.#hasMore = true;
    this.#sent = undefined;
  }

  /** Begins a new series, because the control plane lacks an earlier part. */
  restart(): void {
    this.#series = newId();
    this.#part = 0;
    this.#acknowledged.clear();
    this.#sent = undefined;
    this.#hasMore = true;
  }
}
