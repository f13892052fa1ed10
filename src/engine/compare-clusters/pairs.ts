import { type DocumentFilters, invalidFilter, whyUnfilterable } from '../scope/document-filters.ts';
import { ComparedPair } from './compared-pair.ts';
import type { ComparisonContext } from './comparison-context.ts';
import { type BothCatalogs, pairsOf } from './paired-catalog.ts';
import type { SavedPair } from './saved-state.ts';

/** The pairs of collections that a comparison knows, as the catalogs had them when it looked last. */
export class Pairs {
  readonly #context: ComparisonContext;
  readonly #filters: DocumentFilters;
  /** Pairs of an earlier run, by identity. */
  readonly #saved: Map<string, SavedPair>;
  #all = new Map<string, ComparedPair>();

  constructor(context: ComparisonContext, filters: DocumentFilters, saved: readonly SavedPair[]) {
    this.#context = context;
    this.#filters = filters;
    this.#saved = new Map(saved.map((pair) => [pair.identity, pair]));
  }

  get all(): readonly ComparedPair[] {
    return [...this.#all.values()];
  }

  get unfinished(): readonly ComparedPair[] {
    return this.all.filter(({ state, isMoved, isInvalid }) => state !== 'compared' || isMoved || isInvalid);
  }

  /**
   * Adopts the state of the catalogs. A collection that was dropped, renamed or recreated loses all its results, and is
   * compared anew if it still exists.
   * @returns whether any pair has to be compared
   */
  adopt(catalogs: BothCatalogs): boolean {
    const before = this.#all;
    this.#all = new Map();
    for (const [source, destination] of pairsOf(catalogs)) {
      const filter = this.#filters.of(source.database, source.name);
      const reason = filter && whyUnfilterable({ ...source, type: 'collection' });
      if (reason !== undefined) throw invalidFilter(source.sourceNamespace, reason);
      const created = new ComparedPair(source, destination, filter, undefined);
      const known = before.get(created.namespace);
      const isSame =
        known?.identity === created.identity && known.destinationNamespace === created.destinationNamespace;
      const pair = isSame && known !== undefined ? known.withCatalog(source, destination) : this.#restored(created);
      this.#all.set(pair.namespace, pair);
    }
    for (const [namespace, pair] of before) {
      if (this.#all.get(namespace) === pair) continue;
      this.#context.pending.forget(pair);
      this.#context.differences.forget(namespace);
    }
    return this.unfinished.length > 0;
  }

  /** Returns the pair as an earlier run has left it. */
  #restored(pair: ComparedPair): ComparedPair {
    const saved = this.#saved.get(pair.identity);
    if (saved === undefined || saved.namespace !== pair.namespace) {
      this.#context.differences.forget(pair.namespace);
      return pair;
    }
    this.#saved.delete(pair.identity);
    const restored = new ComparedPair(pair.source, pair.destination, pair.filter, saved);
    // If no stream can be opened, changes while the comparison was stopped are unknown.
    const { differences, pending } = this.#context;
    for (const key of differences.keysOf(pair.namespace)) pending.addCandidate(restored, key, restored.chunk);
    return restored;
  }
}
