import { failpoint } from '../../platform/index.ts';
import type { Migrated } from '../collections/context.ts';
import {
  type CatalogDifference,
  compareCatalogs,
  EXPECTED_UNTIL_CUTOVER,
  weakenedCatalog,
} from '../compare/catalog-differences.ts';
import { type CompareScope, readBothCatalogs } from '../compare/side-catalog.ts';
import { catalogName } from '../mongodb/namespaces.ts';
import type { Side } from '../mongodb/side.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import { CatalogChanges } from './catalog-changes.ts';
import { describeCatalogDifference } from './catalog-difference-text.ts';

const EVERY_MS = 60_000;
/** With thousands of collections a comparison takes long; the servers have other work. */
const SHARE_OF_TIME = 0.05;
/** A difference counts when it is found this often in a row: changes of the source take a moment to be followed. */
const COUNTS_AFTER = 4;
const AGAIN_AFTER_MS = 500;
/** How soon a found difference is looked at again, and a migration that isn't live. */
const LOOK_AGAIN_AFTER_MS = 500;

/**
 * Compares the catalogs of both sides while a migration follows its source: collections, options, views and indexes in
 * the form that they have until the cutover.
 */
export class CatalogCheck {
  readonly #context: Clusters & Pace & Telling & Migrated;
  readonly #isLive: () => boolean;
  readonly #changes = new CatalogChanges();
  #turn: Promise<unknown> = Promise.resolve();
  #differences: readonly CatalogDifference[] | undefined;
  #new: ReadonlySet<CatalogDifference> = new Set();
  #comparedAtMs = Number.NEGATIVE_INFINITY;
  #tookMs = 0;

  /** @param isLive  whether every collection is copied, indexed and followed */
  constructor(context: Clusters & Pace & Telling & Migrated, isLive: () => boolean) {
    this.#context = context;
    this.#isLive = isLive;
  }

  /** The differences of the last comparison; undefined before the first. */
  get differences(): readonly CatalogDifference[] | undefined {
    return this.#differences;
  }

  /**
   * Whether a difference is a collection or view of the source that the migration had not made when the comparison began,
   * or one that it had made and that the source no longer has under that name. The engine makes, renames or drops it later.
   */
  isNew(difference: CatalogDifference): boolean {
    return this.#new.has(difference);
  }

  /** Compares regularly until the signal aborts. */
  async run(): Promise<void> {
    const { clock, gate, signal, stateChanges } = this.#context;
    while (!signal.aborted) {
      await gate.pass(signal);
      const dueInMs = this.#isLive() ? this.#comparedAtMs + this.#pauseMs - clock.elapsed() : LOOK_AGAIN_AFTER_MS;
      if (dueInMs > 0) await stateChanges.next(signal, dueInMs);
      else await this.confirm();
    }
  }

  /** The time between two comparisons. */
  get #pauseMs(): number {
    return this.#differences?.length === 0 ? Math.max(EVERY_MS, this.#tookMs / SHARE_OF_TIME) : LOOK_AGAIN_AFTER_MS;
  }

  /** Compares now. @returns whether both sides are equal */
  async confirm(): Promise<boolean> {
    const compared = this.#turn.then(() => this.#compare());
    this.#turn = compared.catch(() => undefined);
    return await compared;
  }

  async #compare(): Promise<boolean> {
    const { clock, logger, signal, stateChanges } = this.#context;
    const beganAtMs = clock.elapsed();
    let counted = new Set<string>();
    this.#changes.begin();
    for (let times = 1; ; times += 1) {
      const made = this.#madePlaces();
      const found = await this.#read();
      await failpoint('engine.verify.catalogs-compared');
      // An index that is being built is no difference yet.
      if (!this.#isLive()) return false;
      const names = new Map(found.map((difference) => [describeCatalogDifference(difference), difference]));
      // A difference that another one replaces was being followed.
      counted = new Set([...names.keys()].filter((name) => times === 1 || counted.has(name)));
      if (times < COUNTS_AFTER && counted.size > 0 && !signal.aborted) {
        await clock.sleep(AGAIN_AFTER_MS * times, signal);
        continue;
      }
      const known = new Set(this.#differences?.map(describeCatalogDifference));
      for (const name of counted)
        if (!known.has(name))
          logger.warn({ event: 'verification.catalog_difference', difference: name }, 'The catalogs differ');
      this.#comparedAtMs = clock.elapsed();
      this.#tookMs = this.#comparedAtMs - beganAtMs;
      this.#differences = [...counted].flatMap((name) => names.get(name) ?? []);
      this.#new = new Set(
        this.#differences.filter((one) =>
          // rule: wait-for-new-collection
          made.has(one.destinationNamespace) ? one.class === 'COLLECTION_EXTRA' : one.class === 'COLLECTION_MISSING',
        ),
      );
      stateChanges.notify();
      if (this.#differences.length > 0) return false;
      this.#changes.cover();
      return true;
    }
  }

  /** Returns the names of all collections and views that the migration has made on the destination. */
  #madePlaces(): ReadonlySet<string> {
    const { namespaces, tracked, views } = this.#context;
    const made = [...tracked.values()].filter(({ destinationUuid }) => destinationUuid !== null);
    return new Set([
      ...made.map(({ destinationDatabase: to, destinationName }) => `${to}.${catalogName(destinationName)}`),
      ...views.databases.flatMap((from) => [...views.of(from)].map((name) => `${namespaces.database(from)}.${name}`)),
    ]);
  }

  /** Notes a change of the destination's catalog. @param collections  those that it may concern, by UUID; undefined for all */
  changed(collections: ReadonlySet<string> | undefined): void {
    this.#changes.add(collections);
  }

  /**
   * Compares the changes on the destination since the last comparison. For the write pause: it reads once, and only
   * indexes of changed collections, because the listing of a database has everything else.
   * @param isBlind  whether changes can't be known. Then it compares what the listings have
   */
  async compareChanged(isBlind: boolean): Promise<CatalogDifference | undefined> {
    if (this.#changes.isEmpty && !isBlind) return undefined;
    const changed = [...this.#context.tracked.values()].filter((one) =>
      this.#changes.has(one.destinationUuid?.toHexString(false)),
    );
    const complete = changed.map(({ sourceDatabase, sourceName }) => `${sourceDatabase}.${catalogName(sourceName)}`);
    const [difference] = await this.#read(new Set(complete));
    return difference;
  }

  async #read(complete?: CompareScope['complete']): Promise<CatalogDifference[]> {
    const { keepsDestination, isReversed, selection, namespaces, tracked } = this.#context;
    const expected = (side: Side) =>
      new Set([...tracked.values()].map((one) => (side === 'source' ? one.sourceDatabase : one.destinationDatabase)));
    const scope = { selection, namespaces, expected, ...(complete && { complete }) };
    const { source, destination } = await readBothCatalogs(this.#context, scope);
    const found = isReversed ? weakenedCatalog(destination, source) : destination;
    return compareCatalogs(source, found, { ...EXPECTED_UNTIL_CUTOVER, keepsDestination });
  }
}
