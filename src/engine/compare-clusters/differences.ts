import { BSON, type Timestamp } from 'mongodb';
import type { ClusterTime, DocumentDifference } from '../../contract/index.ts';
import { decode } from '../bson/decode.ts';
import { type DocumentKey, describeKey, keyBytes, keyFromBytes } from '../bson/document-key.ts';
import { document, element } from '../bson/raw-document.ts';

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

/** A difference, the type and bytes of its key in base64, and whether this comparison has begun to repair it. */
type Listed = [key: string, difference: DocumentDifference, isInRepair: boolean];

/** Differences as a state file has them. */
export interface SavedDifferences {
  readonly listed: Listed[];
  readonly unlisted: number;
}

/** The differences that count. */
export class Differences {
  /** By namespace and identity of the key. */
  readonly #listed = new Map<string, Listed>();
  #unlisted = 0;

  /** @param saved  of an earlier run */
  constructor(saved?: SavedDifferences) {
    this.#unlisted = saved?.unlisted ?? 0;
    for (const one of saved?.listed ?? []) this.#listed.set(idOf(one[1].namespace, keyOfText(one[0])), one);
  }

  get listed(): readonly DocumentDifference[] {
    return [...this.#listed.values()].map(([, difference]) => difference);
  }

  /** Returns the differences as a resumed comparison needs them. */
  get saved(): SavedDifferences {
    return { listed: [...this.#listed.values()], unlisted: this.#unlisted };
  }

  /** Differences that are too many to list. */
  get unlisted(): number {
    return this.#unlisted;
  }

  /** Returns the number of differences that remain: repaired ones don't. */
  remaining(): number {
    return this.listed.filter(({ repaired }) => !repaired).length + this.#unlisted;
  }

  /** Returns the keys of a collection that are listed and not repaired. */
  keysOf(namespace: string): DocumentKey[] {
    const those = [...this.#listed.values()].filter(([, one]) => one.namespace === namespace && !one.repaired);
    return those.map(([key]) => keyOfText(key));
  }

  add(key: DocumentKey, difference: DocumentDifference): void {
    const id = idOf(difference.namespace, key);
    if (this.#listed.size >= MOST_LISTED && !this.#listed.has(id)) this.#unlisted += 1;
    else this.#listed.set(id, [keyBytes(key).toString('base64'), difference, this.#listed.get(id)?.[2] ?? false]);
  }

  /** Whether a key is listed as changed on the destination only. */
  isExternal(namespace: string, key: DocumentKey): boolean {
    return this.#listed.get(idOf(namespace, key))?.[1].external === true;
  }

  /** Notes that a key will be written, by this run or, when it ends before that, by none. */
  beginRepair(namespace: string, key: DocumentKey): void {
    const id = idOf(namespace, key);
    const one = this.#listed.get(id);
    if (one !== undefined) this.#listed.set(id, [one[0], one[1], true]);
  }

  /** Notes that a key is equal now. One that is in repair stays listed, as repaired. */
  resolve(namespace: string, key: DocumentKey): void {
    const id = idOf(namespace, key);
    const one = this.#listed.get(id);
    if (one === undefined) return;
    const [text, difference, isInRepair] = one;
    if (isInRepair) this.#listed.set(id, [text, { ...difference, repaired: true }, isInRepair]);
    else this.#listed.delete(id);
  }

  /** Forgets a collection's differences, because it was dropped, renamed or created again. */
  forget(namespace: string): void {
    for (const [id, [, difference]] of this.#listed) if (difference.namespace === namespace) this.#listed.delete(id);
  }
}

function idOf(namespace: string, { identity }: DocumentKey): string {
  return `${namespace}\0${identity}`;
}

function keyOfText(text: string): DocumentKey {
  return keyFromBytes(Buffer.from(text, 'base64'));
}
