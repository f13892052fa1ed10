import { setTimeout as delay } from 'node:timers/promises';
import { type MongoClient, MongoServerError } from 'mongodb';
import { CATALOG_KINDS, DOCUMENT_KINDS, ID_TYPES, NAMESPACES, type Step } from '../engine/model/operation.ts';
import { runOperation } from '../engine/model/run-operation.ts';
import { USER_WRITES_BLOCKED } from '../support/ledger-writer.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { Plan } from './plan.ts';

const DATABASE = 'special';

type Special = (client: MongoClient, x: number) => Promise<unknown>;

const createSeries: Special = (client) =>
  client.db(DATABASE).createCollection('series', { timeseries: { timeField: 'at', metaField: 'x' } });

const convert: Special = (client) => client.db(DATABASE).command({ convertToCapped: 'plain', size: 65_536 });

/** Kinds of collections that the model does not have. */
const SPECIAL: readonly Special[] = [
  (client) => client.db(DATABASE).createCollection('ring', { capped: true, size: 65_536, max: 60 }),
  (client, x) => client.db(DATABASE).collection('ring').insertMany(rows(x)),
  (client, x) => client.db(DATABASE).collection('ring').insertMany(rows(x)),
  (client) => client.db(DATABASE).collection('ring').drop(),
  createSeries,
  (client, x) => client.db(DATABASE).collection('series').insertMany(rows(x)),
  (client, x) => client.db(DATABASE).collection('series').insertMany(rows(x)),
  (client) => client.db(DATABASE).collection('series').drop(),
  (client, x) => client.db(DATABASE).collection('plain').insertMany(rows(x)),
  (client, x) => client.db(DATABASE).collection('plain').insertMany(rows(x)),
  convert,
  (client) => client.db(DATABASE).collection('plain').drop(),
];

export interface CatalogPlan extends Pick<Plan, 'catalogEveryMs' | 'catalogStandsStill'> {
  /** Whether the source is a sharded cluster; false by default. */
  readonly sharded?: boolean;
}

/** Changes the catalog and its documents, or only the documents, one operation after the other until stopped. */
export class CatalogWriter {
  readonly #client: MongoClient;
  readonly #random: SeededRandom;
  readonly #everyMs: number;
  readonly #documentsOnly: boolean;
  readonly #special: readonly Special[];
  readonly #rests: () => boolean;
  readonly #running: Promise<void>;
  #stopped = false;
  accepted = 0;
  /**
   * Differences between both sides that the source causes when it refuses an operation under its write block (seen on 6.0.5). A refused drop of a
   * database removes its views, and a refused creation of a time series leaves its buckets.
   */
  readonly halfDone = new Set<string>();

  /** @param rests  whether it has to wait with its next operation */
  constructor(
    client: MongoClient,
    random: SeededRandom,
    { catalogEveryMs, catalogStandsStill, sharded = false }: CatalogPlan,
    rests: () => boolean = () => false,
  ) {
    this.#client = client;
    this.#random = random;
    this.#everyMs = catalogEveryMs;
    this.#documentsOnly = catalogStandsStill;
    // No change stream shows the conversions, and the oplogs of shards are not seen.
    this.#special = sharded ? SPECIAL.filter((change) => change !== convert) : SPECIAL;
    this.#rests = rests;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await delay(this.#everyMs);
      if (this.#rests()) continue;
      const operation = !this.#documentsOnly && this.#random.next() < 0.3 ? undefined : this.#operation();
      // Refusals by the server and failures while it is down are part of the plan.
      const accepted = await (operation ? runOperation(this.#client, operation) : this.#changeSpecial()).catch(
        () => false,
      );
      if (accepted) this.accepted += 1;
      else if (operation?.kind === 'dropDatabase') {
        this.halfDone.add(`only the destination has the collection ${operation.on.split('.')[0]}.view`);
      }
    }
  }

  async #changeSpecial(): Promise<boolean> {
    const change = this.#random.pick(this.#special);
    try {
      await change(this.#client, this.#random.integer(100));
      return true;
    } catch (error) {
      if (!(error instanceof MongoServerError)) throw error;
      if (change === createSeries && error.code === USER_WRITES_BLOCKED) {
        this.halfDone.add(`only the source has the collection ${DATABASE}.system.buckets.series`);
      }
      return false;
    }
  }

  #operation() {
    const draw = this.#random.next();
    if (draw < 0.3) return this.#step(this.#documentsOnly ? DOCUMENT_KINDS : CATALOG_KINDS);
    if (draw < 0.9) return this.#step(DOCUMENT_KINDS);
    return { kind: 'transaction' as const, steps: [this.#step(DOCUMENT_KINDS), this.#step(DOCUMENT_KINDS)] };
  }

  #step(kinds: readonly Step['kind'][]): Step {
    const random = this.#random;
    const id = { n: random.integer(10), as: random.pick(ID_TYPES) };
    return {
      kind: random.pick(kinds),
      on: random.pick(NAMESPACES),
      to: random.pick(NAMESPACES),
      id,
      x: random.integer(100),
    };
  }
}

function rows(x: number): { x: number; at: Date }[] {
  return Array.from({ length: 5 }, (_, n) => ({ x: x % 7, at: new Date(x * 1_000 + n) }));
}
