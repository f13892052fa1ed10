import { UserError } from '../../platform/index.ts';
import type { Migrated } from '../collections/context.ts';
import { type Fingerprint, findChange, fingerprintOfCopy, fingerprintOfSource } from '../collections/fingerprint.ts';
import { databasesOf } from '../collections/reconcile.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { confirmSource } from '../records/confirm-clusters.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';
import type { CatalogRecord } from '../records/records.ts';
import type { ChangeEvent, DocumentChange } from './change-event.ts';
import type { BringInStep, SourceCatalog } from './source-catalog.ts';

/** How long a change without an event may stay unnoticed (docs/reference/mongodb-behaviour.md#fact-8-11). */
const LOOK_EVERY_MS = 10_000;

const WHAT_HAPPENED: Readonly<Record<string, string>> = {
  drop: 'it was dropped',
  rename: 'it was renamed, or another one was renamed onto it',
};

/**
 * The catalog of a source whose stream shows too little to follow it. Any change of it stops the migration. So names
 * identify collections as well as UUIDs do (docs/adr/0005-sources-before-6.0.md).
 */
export class FixedCatalog implements SourceCatalog {
  readonly #context: Clusters & Records & Pace & Migrated;
  readonly #recorded: Fingerprint | undefined;
  readonly #bringInStep: BringInStep;
  #byNamespace: ReadonlyMap<string, TrackedCollection> = new Map();

  constructor(
    context: Clusters & Records & Pace & Migrated,
    recorded: CatalogRecord | undefined,
    bringInStep: BringInStep,
  ) {
    this.#context = context;
    this.#recorded = recorded && new Map(recorded);
    this.#bringInStep = bringInStep;
  }

  async start(): Promise<void> {
    await this.#look();
    await this.#bringInStep(await databasesOf(this.#context), () => true);
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
    // The drops of its collections come first; the stream shows nothing about views.
    if (operation === 'dropDatabase') return;
    const namespaces = [{ database, collection }, ...(renamedTo === undefined ? [] : [renamedTo])]
      .filter((one) => this.#context.selection.has(one.database, one.collection))
      .map((one) => `${one.database}.${one.collection}`);
    // When a temporary collection is renamed onto another, users know the other one.
    const concerned = namespaces.find((namespace) => this.#byNamespace.has(namespace)) ?? namespaces.at(-1);
    if (concerned !== undefined) throw changedAt(concerned, WHAT_HAPPENED[operation] ?? `there was a ${operation}`);
  }

  async settle(): Promise<void> {
    // Each change was refused when it was seen.
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
    // A change that was undone between two comparisons may have been copied meanwhile.
    const copied = await this.#context.retrier.run('the destination', () => fingerprintOfCopy(this.#context));
    this.#refuseDifference(copied);
  }

  async #look(): Promise<void> {
    const { retrier } = this.#context;
    const now = await retrier.run('the source', () => fingerprintOfSource(this.#context));
    await confirmSource(this.#context); // Another cluster has another catalog, but isn't a changed one.
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
