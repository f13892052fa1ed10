import { addressGroup } from '../platform/index.ts';

/** How many bytes of unfinished bodies may be held at once. */
export interface BodyBudgetSize {
  readonly totalBytes: number;
  /** Of one client address, or one IPv6 block of 64 bits. */
  readonly perAddressBytes: number;
}

/** Memory that unfinished bodies take, in all and for each client address. An address without a body has no entry. */
export class BodyBudget {
  readonly #size: BodyBudgetSize;
  readonly #perAddress = new Map<string, number>();
  #heldBytes = 0;

  constructor(size: BodyBudgetSize) {
    this.#size = size;
  }

  /** Bytes that are held now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes memory for a client. @returns which limit it would exceed; undefined when it was taken, to be given back by {@link release} */
  reserve(address: string, bytes: number): 'total' | 'address' | undefined {
    const group = addressGroup(address);
    const held = this.#perAddress.get(group) ?? 0;
    if (held + bytes > this.#size.perAddressBytes) return 'address';
    if (this.#heldBytes + bytes > this.#size.totalBytes) return 'total';
    this.#perAddress.set(group, held + bytes);
    this.#heldBytes += bytes;
    return undefined;
  }

  release(address: string, bytes: number): void {
    const group = addressGroup(address);
    const left = (this.#perAddress.get(group) ?? 0) - bytes;
    if (left > 0) this.#perAddress.set(group, left);
    else this.#perAddress.delete(group);
    this.#heldBytes -= bytes;
  }
}
