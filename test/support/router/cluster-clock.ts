import { Timestamp } from 'mongodb';
import { type Element, elementsOf, renamed } from './elements.ts';

/**
 * The latest cluster time that one router has heard of. Replies carry it as their operation time, which is never too early: a shard that
 * routes reports only its own time.
 */
export class ClusterClock {
  #latest = 0n;
  #elements: readonly Buffer[] = [];

  /** Undefined until the first server has answered. */
  get latest(): Timestamp | undefined {
    return this.#latest === 0n ? undefined : new Timestamp(this.#latest);
  }

  /** The field of each command that this router sends, so that what it sends later also happens later in cluster time. */
  get gossip(): readonly Buffer[] {
    return this.#elements.slice(0, 1);
  }

  /** The fields of a reply. Empty until the first server has answered. */
  get elements(): readonly Buffer[] {
    return this.#elements;
  }

  /** Takes the cluster time of a command or a reply, if it has one. */
  note(message: Buffer): void {
    const signed = elementsOf(message).find(({ name }) => name === '$clusterTime');
    const time = signed && elementsOf(signed.value).find(({ name }) => name === 'clusterTime');
    if (signed && time) this.#take(signed, time);
  }

  #take(signed: Element, time: Element): void {
    const value = time.value.readBigUInt64LE();
    if (value <= this.#latest) return;
    this.#latest = value;
    this.#elements = [signed.bytes, renamed(time, 'operationTime')].map((bytes) => Buffer.from(bytes));
  }
}
