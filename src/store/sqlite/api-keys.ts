import type { ApiKey } from '../../control/index.ts';

/**
 * The committed API keys in memory: every request asks for one. All of them and not only those that were asked for, so that an unknown
 * one takes as long as a known one.
 */
export class ApiKeys {
  readonly #load: () => readonly ApiKey[];
  #byPublicKey: ReadonlyMap<string, ApiKey> | undefined;

  /** @param load  reads all that are committed */
  constructor(load: () => readonly ApiKey[]) {
    this.#load = load;
  }

  find(publicKey: string): ApiKey | undefined {
    this.#byPublicKey ??= new Map(this.#load().map((key) => [key.publicKey, key]));
    return this.#byPublicKey.get(publicKey);
  }

  /** To be called after a commit that changed some, before anybody is told of it. */
  forget(): void {
    this.#byPublicKey = undefined;
  }
}
