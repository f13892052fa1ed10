import type { Binary, Document } from 'mongodb';
import { elementsOf } from '../../router/elements.ts';
import { batchOf, changeBatch, changeEach, changeIn, cursorOf, fieldIn, withField, without } from '../bson-edits.ts';
import { isStream, namespaceOf } from '../change-streams.ts';
import { atLevel, type Fact, type ModelledServer, notModelled } from '../fact.ts';

const BUCKETS = 'system.buckets.';
const VIEWS = 'system.views';
const FIXED = 'fixedBucketing';
/** Commands that can ask for the buckets of a time series. */
const RAW = [
  'find',
  'aggregate',
  'insert',
  'update',
  'delete',
  'findAndModify',
  'createIndexes',
  'listIndexes',
  'dropIndexes',
  'count',
  'distinct',
  'collMod',
];

const listed: Fact = {
  name: 'a time series is listed as one collection with a UUID, without buckets and view',
  source: 'SERVER-106176; mongodb/mongo jstests/core/timeseries (fixed_bucketing: "info.uuid is present for viewless")',
  recordedFrom: null,
  commands: ['listCollections'],
  reply: async (reply, { database, body }, server) => {
    const types = new Map(batchOf(reply).map((entry) => [String(fieldIn(entry, 'name')), fieldIn(entry, 'type')]));
    const halves = [...types].filter(([name, type]) => type === 'timeseries' || name.startsWith(BUCKETS));
    const series = halves.length > 0 ? await server.timeSeriesOf(database) : new Map<string, Binary>();
    const hasViews = [...types.values()].includes('view');
    return changeBatch(reply, (entry) => {
      const name = String(fieldIn(entry, 'name'));
      if (name.startsWith(BUCKETS) && series.has(name.slice(BUCKETS.length))) return [];
      if (name === VIEWS && !hasViews) return [];
      const isWhole = types.get(name) === 'timeseries' && fieldIn(body, 'nameOnly') !== true;
      const isFixed = server.fixedBucketing.get(`${database}.${name}`) ?? false;
      return isWhole ? [asCollection(entry, series.get(name), isFixed)] : [entry];
    });
  },
};

const reads: Fact = {
  name: 'rawData reads and writes the buckets of a time series, which have no name of their own',
  source: 'mongodb/mongo-tools common/db/query.go and buffered_bulk.go; SERVER-116464',
  recordedFrom: null,
  commands: RAW,
  request: async (command, server) => {
    const { body, name } = command;
    const collection = fieldIn(body, name);
    if (typeof collection === 'string' && collection.startsWith(BUCKETS)) {
      const of = await server.timeSeriesOf(command.database);
      return of.has(collection.slice(BUCKETS.length)) ? notModelled(`${name} of ${collection}`) : body;
    }
    const isRaw = fieldIn(body, 'rawData') === true;
    const rest = without(body, 'rawData');
    if (!isRaw || typeof collection !== 'string') return rest;
    const series = await server.timeSeriesOf(command.database);
    return series.has(collection) ? withField(rest, name, BUCKETS + collection) : rest;
  },
};

const creation: Fact = {
  name: 'no collection is created as buckets',
  source: 'https://www.mongodb.com/docs/manual/reference/system-collections/ (system.buckets)',
  recordedFrom: null,
  commands: ['create'],
  request: ({ body }) =>
    String(fieldIn(body, 'create')).startsWith(BUCKETS) ? notModelled('the creation of buckets') : body,
};

/** A server that was upgraded has `false` for its time series, as the dialect for those that were made beside it. */
const fixedBucketing: Fact = {
  name: 'a time series says whether its bucketing is that of its creation',
  source: 'mongodb/mongo jstests/core/timeseries (fixed_bucketing, with featureFlagFixedBucketingCatalog)',
  recordedFrom: null,
  commands: ['create', 'collMod', 'aggregate'],
  request: ({ name, database, body }, server) => {
    const key = `${database}.${fieldIn(body, name)}`;
    if (name === 'aggregate' || fieldIn(body, 'timeseries') === undefined) return body;
    const { [FIXED]: isFixed = true } = fieldIn(body, 'timeseries') as { readonly [FIXED]?: boolean };
    server.fixedBucketing.set(key, name === 'create' && isFixed);
    return changeIn(body, 'timeseries', (options) => without(options, FIXED));
  },
  reply: (reply, { database, body }, server) => {
    const [first] = (fieldIn(body, 'pipeline') ?? []) as readonly Document[];
    if (first?.$listCatalog === undefined) return reply;
    const isFixed = server.fixedBucketing.get(`${database}.${fieldIn(body, 'aggregate')}`) ?? false;
    return changeBatch(reply, (entry) => [
      changeIn(entry, 'md', (md) =>
        changeIn(md, 'options', (one) => changeIn(one, 'timeseries', (series) => withField(series, FIXED, isFixed))),
      ),
    ]);
  },
};

const events: Fact = {
  name: 'streams hide time series unless they ask for raw data',
  source: 'SERVER-116464',
  recordedFrom: null,
  commands: ['aggregate', 'getMore'],
  reply: async (reply, command, server) => {
    if (!isStream(command)) return reply;
    if (command.name === 'aggregate' && fieldIn(command.body, 'rawData') === true)
      server.cursors.add(`raw ${cursorOf(reply).id}`);
    const isRaw = server.cursors.has(`raw ${cursorOf(reply).id}`);
    const ofViews = batchOf(reply).filter((event) => isOfView(event) || namespaceOf(event).coll === VIEWS);
    const databases = new Set(ofViews.map((event) => namespaceOf(event).db ?? ''));
    for (const database of databases) if (database !== '') await server.timeSeriesOf(database);
    return changeBatch(reply, (event) => shown(event, isRaw, server));
  },
};

const oplog: Fact = {
  name: 'the oplog names a time series by its own name',
  source: 'https://www.mongodb.com/docs/manual/release-notes/9.0/ (Time Series, Data Storage)',
  recordedFrom: null,
  commands: ['find', 'getMore'],
  reply: (reply, { name, database, body }) => {
    const collection = fieldIn(body, name === 'find' ? 'find' : 'collection');
    return database === 'local' && collection === 'oplog.rs' ? changeBatch(reply, (entry) => [ofOne(entry)]) : reply;
  },
};

/** A time series of 9.0 is one collection. A lower feature compatibility version leaves it in two. */
export const VIEWLESS_TIME_SERIES = [listed, events, reads, creation, fixedBucketing, oplog].map((fact) =>
  atLevel('9.0', fact),
);

function asCollection(entry: Buffer, uuid: Binary | undefined, isFixed: boolean): Buffer {
  const options = (one: Buffer) => changeIn(one, 'timeseries', (value) => withField(value, FIXED, isFixed));
  return changeIn(
    changeIn(entry, 'info', (info) => withField(info, 'uuid', uuid)),
    'options',
    options,
  );
}

/** A 6.0 server shows the buckets, the view, which has no UUID, and the view's definition. */
function shown(event: Buffer, isRaw: boolean, server: ModelledServer): Buffer[] {
  const { db = '', coll = '' } = namespaceOf(event);
  if (coll.startsWith(BUCKETS)) {
    server.timeSeriesSeen.add(`${db}.${coll.slice(BUCKETS.length)}`);
    return isRaw ? [changeIn(event, 'ns', (ns) => withField(ns, 'coll', coll.slice(BUCKETS.length)))] : [];
  }
  const isDefinition = coll === VIEWS && server.timeSeriesSeen.has(idOf(event));
  const isHidden = isDefinition || (isOfView(event) && server.timeSeriesSeen.has(`${db}.${coll}`));
  return isHidden ? [] : [event];
}

/** Returns the full name of a view, from an event of its definition. */
function idOf(event: Buffer): string {
  const { _id } = (fieldIn(event, 'documentKey') ?? {}) as { readonly _id?: unknown };
  return String(_id);
}

function isOfView(event: Buffer): boolean {
  return fieldIn(event, 'collectionUUID') === undefined;
}

/** Renames buckets in the fields of an entry that name its collection, and in the operations inside it. */
function ofOne(entry: Buffer): Buffer {
  if (!entry.includes(BUCKETS)) return entry;
  const ns = String(fieldIn(entry, 'ns') ?? '');
  const named = ns.includes(`.${BUCKETS}`) ? withField(entry, 'ns', ns.replace(`.${BUCKETS}`, '.')) : entry;
  if (fieldIn(entry, 'op') !== 'c') return named;
  return changeIn(named, 'o', (operation) => {
    const [first] = elementsOf(operation);
    const collection = first === undefined ? undefined : fieldIn(operation, first.name);
    const renamed =
      first !== undefined && typeof collection === 'string' && collection.startsWith(BUCKETS)
        ? withField(operation, first.name, collection.slice(BUCKETS.length))
        : operation;
    return changeIn(renamed, 'applyOps', (inner) => changeEach(inner, (one) => [ofOne(one)]));
  });
}
