import { addressGroup } from '../platform/index.ts';

/** Limits for the memory that unfinished request bodies take at one time. */
export interface BodyBudgetSize {
  readonly totalBytes: number;
  /** For one client: an IPv4 address or an IPv6 /64 block. */
  readonly perAddressBytes: number;
}

/** Counts the memory of unfinished bodies, in total and for each client. */
export class BodyBudget {
  readonly #size: BodyBudgetSize;
  readonly #perAddress = new Map<string, number>();
  #heldBytes = 0;

  constructor(size: BodyBudgetSize) {
    this.#size = size;
  }

  /** Bytes that are reserved now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Reserves memory for a client; {@link release} returns it.
   * @returns the limit that the reservation would exceed; undefined when it succeeded
   */
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
