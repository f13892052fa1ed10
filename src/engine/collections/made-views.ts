import { Binary } from 'mongodb';
import { bufferOf } from '../bson/stored-bytes.ts';
import { differingFields, documentOf, type Fields, fieldsOf } from '../catalog/fields.ts';
import type { CatalogEntry } from '../catalog/read-catalog.ts';
import type { CheckpointStore } from '../records/checkpoint-store.ts';
import type { ViewRecord } from '../records/records.ts';

/**
 * The views that the migration made on the destination. A view has no UUID, so its name and definition go on record before it is made.
 * A view that is not on record, or has another definition, belongs to another client.
 */
export class MadeViews {
  readonly #checkpoint: CheckpointStore;
  readonly #made = new Map<string, Map<string, ViewRecord>>();

  constructor(checkpoint: CheckpointStore) {
    this.#checkpoint = checkpoint;
  }

  /** Loads the records of earlier runs. */
  async load(): Promise<void> {
    for (const record of await this.#checkpoint.views()) this.#of(record._id.d).set(record._id.n, record);
  }

  /** The source's databases with views that the migration made. */
  get databases(): readonly string[] {
    return [...this.#made].filter(([, records]) => records.size > 0).map(([database]) => database);
  }

  /** Names on the destination of the views that the migration made. @param database  of the source */
  of(database: string): ReadonlySet<string> {
    return new Set(this.#of(database).keys());
  }

  /** Whether a view on the destination still has a definition that the migration gave it. @param database  of the source */
  isMade(database: string, entry: CatalogEntry): boolean {
    const record = this.#of(database).get(entry.name);
    return record !== undefined && isAsMade(entry, record);
  }

  /**
   * Records views that the migration is about to make or change.
   * @param database  of the source
   * @param to  of the destination
   */
  async note(database: string, to: string, views: ReadonlyMap<string, Fields>): Promise<void> {
    const of = this.#of(database);
    const noted = [...views]
      .filter(([name, options]) => of.get(name)?.definitions.some((one) => isSame(one, options)) !== true)
      .map(([name, options]) => {
        const definitions = [...(of.get(name)?.definitions ?? []), new Binary(documentOf(options))];
        return this.#record(database, to, name, definitions);
      });
    await this.#save(noted);
  }

  /** Records that views have their new definitions, and removes earlier ones from the record. */
  async settle(database: string, to: string, views: ReadonlyMap<string, Fields>): Promise<void> {
    const changed = [...views].filter(([name]) => (this.#of(database).get(name)?.definitions.length ?? 0) > 1);
    await this.#save(
      changed.map(([name, options]) => this.#record(database, to, name, [new Binary(documentOf(options))])),
    );
  }

  async forget(database: string, name: string): Promise<void> {
    await this.#checkpoint.removeView(database, name);
    this.#of(database).delete(name);
  }

  #record(d: string, to: string, n: string, definitions: readonly Binary[]): ViewRecord {
    return { _id: { m: this.#checkpoint.migrationId, d, n }, to, definitions };
  }

  async #save(records: readonly ViewRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.#checkpoint.saveViews(records);
    for (const record of records) this.#of(record._id.d).set(record._id.n, record);
  }

  #of(database: string): Map<string, ViewRecord> {
    const records = this.#made.get(database) ?? new Map();
    this.#made.set(database, records);
    return records;
  }
}

/** Whether a view has a definition that a migration gave it. */
export function isAsMade({ type, options }: CatalogEntry, { definitions }: ViewRecord): boolean {
  return type === 'view' && definitions.some((one) => isSame(one, options));
}

function isSame(definition: Binary, options: Fields): boolean {
  return differingFields(fieldsOf(bufferOf(definition)), options).length === 0;
}
