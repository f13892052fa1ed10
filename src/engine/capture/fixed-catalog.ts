import { UserError } from '../../platform/index.ts';
import { type Fingerprint, findChange, fingerprintOfCopy, fingerprintOfSource } from '../collections/fingerprint.ts';
import { databasesOf, type ReconcileParts } from '../collections/reconcile.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { confirmSource } from '../records/confirm-clusters.ts';
import type { CatalogRecord } from '../records/records.ts';
import type { ChangeEvent, DocumentChange } from './change-event.ts';
import type { SourceCatalog } from './source-catalog.ts';

/** The parts of a run that are used here. */
type FixedCatalogParts = ReconcileParts;

/** How long a change that is in no event may go unnoticed (§8.11). */
const LOOK_EVERY_MS = 10_000;

const WHAT_HAPPENED: Readonly<Record<string, string>> = {
  drop: 'it was dropped',
  rename: 'it was renamed, or another one was renamed onto it',
};

/**
 * A catalog of which the stream shows too little to follow it, so that it has to stay what it was: any change stops the migration. That
 * makes names as good as UUIDs (docs/adr/0005-sources-before-6.0.md).
 */
export class FixedCatalog implements SourceCatalog {
  readonly #context: FixedCatalogParts;
  readonly #recorded: Fingerprint | undefined;
  readonly #bringInStep: (databases: ReadonlySet<string>) => Promise<void>;
  #byNamespace: ReadonlyMap<string, TrackedCollection> = new Map();

  constructor(
    context: FixedCatalogParts,
    recorded: CatalogRecord | undefined,
    bringInStep: (databases: ReadonlySet<string>) => Promise<void>,
  ) {
    this.#context = context;
    this.#recorded = recorded && new Map(recorded);
    this.#bringInStep = bringInStep;
  }

  async start(): Promise<void> {
    await this.#look();
    await this.#bringInStep(await databasesOf(this.#context));
    this.#byNamespace = new Map([...this.#context.tracked.values()].map((one) => [one.namespace, one]));
  }

  async collectionOf({ database, collection }: DocumentChange): Promise<TrackedCollection | undefined> {
    const known = this.#byNamespace.get(`${database}.${collection}`);
    if (known === undefined && this.#context.selection.has(database, collection)) {
      throw changedAt(`${database}.${collection}`, 'it is new');
    }
    return known;
  }

  changed({ operation, database, collection, renamedTo }: ChangeEvent): void {
    // Preceded by the drops of its collections; of views nothing is shown.
    if (operation === 'dropDatabase') return;
    const namespaces = [{ database, collection }, ...(renamedTo === undefined ? [] : [renamedTo])]
      .filter((one) => this.#context.selection.has(one.database, one.collection))
      .map((one) => `${one.database}.${one.collection}`);
    // Of a temporary collection that is renamed onto another, the other is the one that people know.
    const concerned = namespaces.find((namespace) => this.#byNamespace.has(namespace)) ?? namespaces.at(-1);
    if (concerned !== undefined) throw changedAt(concerned, WHAT_HAPPENED[operation] ?? `there was a ${operation}`);
  }

  async settle(): Promise<void> {
    // A change was refused when it was seen.
  }

  async watch(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      if (!signal.aborted) await this.#look();
    }
  }

  async confirm(): Promise<void> {
    await this.#look();
    // What was changed and changed back between two looks may have come over in between.
    const copied = await this.#context.retrier.run('the destination', () => fingerprintOfCopy(this.#context));
    this.#refuseDifference(copied);
  }

  async #look(): Promise<void> {
    const { retrier } = this.#context;
    const now = await retrier.run('the source', () => fingerprintOfSource(this.#context));
    await confirmSource(this.#context); // Another cluster is not one whose catalog has changed.
    this.#refuseDifference(now);
  }

  #refuseDifference(now: Fingerprint): void {
    if (this.#recorded === undefined) {
      throw changedAt('its feature compatibility version', 'it was lowered after the migration had begun');
    }
    const change = findChange(this.#recorded, now);
    if (change !== undefined) throw changedAt(change.namespace, change.what);
  }
}

function changedAt(namespace: string, what: string): UserError {
  return new UserError('CATALOG_CHANGED', [namespace, what]);
}
