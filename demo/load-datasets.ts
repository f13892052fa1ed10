import type { Db, IndexDescription, MongoClient } from 'mongodb';
import { database, readDatasets } from './datasets.ts';

export interface Loaded {
  readonly collections: number;
  readonly documents: number;
  readonly indexes: number;
}

/** Number of documents of one insert. */
const BATCH_DOCUMENTS = 10_000;

/** Secondary, unique, compound, geo, partial, hashed and wildcard indexes, by collection. */
const indexes: Readonly<Record<string, IndexDescription[]>> = {
  airports: [{ key: { iata: 1 }, unique: true }, { key: { location: '2dsphere' } }, { key: { state: 1, city: 1 } }],
  birdstrikes: [{ key: { 'Flight Date': 1 } }, { key: { 'Origin State': 'hashed' } }],
  cars: [{ key: { Name: 1 }, collation: { locale: 'en', strength: 2 } }],
  earthquakes: [{ key: { geometry: '2dsphere' } }, { key: { 'properties.mag': -1, 'properties.time': 1 } }],
  flights_200k_json: [
    { key: { distance: 1, delay: 1 } },
    { key: { delay: 1 }, partialFilterExpression: { delay: { $gt: 60 } } },
  ],
  flights_20k: [{ key: { origin: 1, destination: 1, date: -1 }, name: 'route' }],
  flights_10k: [{ key: { date: 1 } }],
  github: [{ key: { time: 1 }, unique: true }],
  jobs: [{ key: { job: 1, sex: 1, year: 1 }, unique: true }],
  movies: [{ key: { Title: 'text', Director: 'text' } }, { key: { 'IMDB Rating': -1 }, sparse: true }],
  population: [{ key: { year: 1, age: 1, sex: 1 }, unique: true }],
  sp500_2000: [{ key: { date: 1 }, unique: true }],
  stocks: [{ key: { symbol: 1, date: 1 }, unique: true }],
  weekly_weather: [{ key: { '$**': 1 } }],
  zipcodes: [{ key: { location: '2dsphere' } }, { key: { zip_code: 1 } }, { key: { state: 1, county: 1 } }],
};

/** Loads all data sets with their indexes and a view. Waits until a majority of the members has them. */
export async function loadDatasets(client: MongoClient): Promise<Loaded> {
  const db = client.db(database);
  const counts = { collections: 0, documents: 0, indexes: 0 };
  for (const { collection, documents } of readDatasets()) {
    for (let start = 0; start < documents.length; start += BATCH_DOCUMENTS) {
      const batch = documents.slice(start, start + BATCH_DOCUMENTS);
      await db.collection(collection).insertMany(batch, { ordered: false, writeConcern: { w: 1 } });
    }
    counts.collections++;
    counts.documents += documents.length;
  }
  for (const [collection, wanted] of Object.entries(indexes)) {
    await db.collection(collection).createIndexes(wanted);
    counts.indexes += wanted.length;
  }
  await makeView(db);
  return counts;
}

/** Writes once more with majority write concern, so that all earlier writes are on a majority. */
async function makeView(db: Db): Promise<void> {
  await db.createCollection('late_flights', {
    viewOn: 'flights_20k',
    pipeline: [
      { $match: { delay: { $gt: 60 } } },
      { $project: { _id: 0, date: 1, origin: 1, destination: 1, delay: 1 } },
    ],
    writeConcern: { w: 'majority' },
  });
}
