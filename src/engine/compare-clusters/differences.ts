import { BSON, type Timestamp } from 'mongodb';
import { decode } from '../bson/decode.ts';
import { type DocumentKey, describeKey } from '../bson/document-key.ts';
import { document, element } from '../bson/raw-document.ts';
import type { ClusterTime, DocumentDifference } from './verification-report.ts';

const LONGEST_ID = 10_000;

/** Returns a key as reports have it. */
export function shownId({ value }: DocumentKey): unknown {
  const bytes = document(element(value.type, '_id', value.bytes));
  const { _id } = decode(bytes, { promoteValues: false, validation: { utf8: false } });
  const shown: unknown = BSON.EJSON.serialize({ _id }, { relaxed: false })._id;
  return JSON.stringify(shown).length > LONGEST_ID ? describeKey({ value, identity: '' }) : shown;
}

export function clusterTime(time: Timestamp | undefined): ClusterTime | null {
  return time === undefined ? null : { t: time.getHighBitsUnsigned(), i: time.getLowBitsUnsigned() };
}

/** More differences are only counted. A listed one takes some 500 bytes. */
const MOST_LISTED = 20_000;

/** Differences as a state file has them, by the names that `idOf` returns. */
export interface SavedDifferences {
  readonly listed: [id: string, difference: DocumentDifference][];
  readonly unlisted: number;
}

/** The differences that count, by namespace and key. */
export class Differences {
  readonly #listed = new Map<string, DocumentDifference>();
  #unlisted = 0;

  /** @param saved  of an earlier run */
  constructor(saved?: SavedDifferences) {
    this.#unlisted = saved?.unlisted ?? 0;
    for (const [id, difference] of saved?.listed ?? []) this.#listed.set(id, difference);
  }

  /** Returns the name of a key among all differences. */
  static idOf(namespace: string, { identity }: DocumentKey): string {
    return `${namespace}\0${identity}`;
  }

  get listed(): readonly DocumentDifference[] {
    return [...this.#listed.values()];
  }

  /** What a resumed comparison needs. */
  get saved(): SavedDifferences {
    return { listed: [...this.#listed], unlisted: this.#unlisted };
  }

  /** Differences that are too many to list. */
  get unlisted(): number {
    return this.#unlisted;
  }

  /** Returns the number of differences that remain: repaired ones don't. */
  remaining(): number {
    return this.listed.filter(({ repaired }) => !repaired).length + this.#unlisted;
  }

  /** Returns how many of a collection remain, as far as they are listed. */
  of(namespace: string): number {
    return this.listed.filter((one) => one.namespace === namespace && !one.repaired).length;
  }

  add(id: string, difference: DocumentDifference): void {
    if (this.#listed.size < MOST_LISTED || this.#listed.has(id)) this.#listed.set(id, difference);
    else this.#unlisted += 1;
  }

  /** Notes that a key is equal now. @param repaired  whether this comparison has written it */
  resolve(id: string, repaired: boolean): void {
    const difference = this.#listed.get(id);
    if (difference === undefined) return;
    if (repaired) this.#listed.set(id, { ...difference, repaired: true });
    else this.#listed.delete(id);
  }

  /** Forgets a collection's differences, because it was dropped, renamed or created again. */
  forget(namespace: string): void {
    for (const [id, difference] of this.#listed) if (difference.namespace === namespace) this.#listed.delete(id);
  }
}
