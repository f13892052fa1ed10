import { readFileSync } from 'node:fs';
import { type Document, Double, Int32, Long } from 'mongodb';
import type { Dataset, DemoData } from './data.ts';
import { parseTable } from './parse-table.ts';

/** Folder of the package `vega-datasets`, which does not export its data; it is beside the exported code. */
export const publicDataFolder = new URL('../node_modules/vega-datasets/', import.meta.url);

/** Description of one file in the package. */
interface Resource {
  readonly name: string;
  readonly path: string;
  readonly schema?: { readonly fields: readonly { readonly name: string; readonly type: string }[] };
}

/** Real public data, with secondary, unique, compound, geo, partial, hashed and wildcard indexes. */
export const publicData: DemoData = {
  origin: 'vega-datasets',
  datasets: readDatasets,
  indexes: {
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
  },
  view: {
    name: 'late_flights',
    viewOn: 'flights_20k',
    pipeline: [
      { $match: { delay: { $gt: 60 } } },
      { $project: { _id: 0, date: 1, origin: 1, destination: 1, delay: 1 } },
    ],
  },
  // One collection that only the live load writes to.
  written: ['flights_200k_json', 'zipcodes', 'flights_20k', 'ledger'],
};

/** All JSON, CSV and TSV files of the package `vega-datasets`, one collection for each. */
function* readDatasets(): Generator<Dataset> {
  const { resources }: { resources: Resource[] } = JSON.parse(readFile('datapackage.json'));
  for (const { name, path, schema } of resources) {
    const form = /\.(json|csv|tsv)$/.exec(path)?.[1];
    if (!form) continue;
    const text = readFile(`data/${path}`);
    const rows = form === 'json' ? rowsOfJson(JSON.parse(text)) : parseTable(text, form === 'csv' ? ',' : '\t');
    const types = new Map(schema?.fields.map((field) => [field.name, field.type]));
    yield { collection: name, documents: rows.map((row) => withPlace(withTypes(row, types))) };
  }
}

function readFile(path: string): string {
  return readFileSync(new URL(path, publicDataFolder), 'utf8');
}

/** Makes a document of each entry of a list and of each GeoJSON feature. Other content becomes one document. */
function rowsOfJson(json: unknown): Document[] {
  if (Array.isArray(json)) return json.map((entry) => (isObject(entry) ? entry : { value: entry }));
  if (!isObject(json)) return [{ value: json }];
  return json.type === 'FeatureCollection' ? json.features : [json];
}

function isObject(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withTypes(row: Document, types: ReadonlyMap<string, string>): Document {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, typed(value, types.get(name))]));
}

/** Converts a value to its described type. A value of another type, such as an empty cell, stays unchanged. */
function typed(value: unknown, type: string | undefined): unknown {
  if (value === null || value === '' || typeof value === 'object') return value;
  switch (type) {
    case 'integer':
    case 'number': {
      const number = Number(value);
      if (Number.isNaN(number)) return value;
      if (type === 'number' || !Number.isSafeInteger(number)) return new Double(number);
      return Math.abs(number) < 2 ** 31 ? new Int32(number) : Long.fromNumber(number);
    }
    case 'date':
    case 'datetime': {
      const text = String(value).replaceAll('/', '-');
      // A text without a time zone counts as UTC, so that times do not depend on the machine's zone.
      const local = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)$/.exec(text);
      const date = new Date(local ? `${local[1]}T${local[2]}Z` : /^\d{4}/.test(text) ? text : `${text} UTC`);
      return Number.isNaN(date.getTime()) ? value : date;
    }
    default:
      return value;
  }
}

/** Adds a GeoJSON point to rows with coordinates, for geo indexes. */
function withPlace(row: Document): Document {
  const { longitude, latitude } = row;
  if (!(longitude instanceof Double && latitude instanceof Double)) return row;
  return { ...row, location: { type: 'Point', coordinates: [longitude, latitude] } };
}
