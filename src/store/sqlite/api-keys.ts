import type { ApiKey } from '../../control/index.ts';

/**
 * A cache of all committed API keys, because every request looks one up. It has all keys, so that looking up an unknown key takes as long
 * as a known one.
 */
export class ApiKeys {
  readonly #load: () => readonly ApiKey[];
  #byPublicKey: ReadonlyMap<string, ApiKey> | undefined;

  /** @param load  reads all committed keys */
  constructor(load: () => readonly ApiKey[]) {
    this.#load = load;
  }

  find(publicKey: string): ApiKey | undefined {
    this.#byPublicKey ??= new Map(this.#load().map((key) => [key.publicKey, key]));
    return this.#byPublicKey.get(publicKey);
  }

  /** Clears the cache. Call it after a commit that changed keys, before its writers get their results. */
  forget(): void {
    this.#byPublicKey = undefined;
  }
}
