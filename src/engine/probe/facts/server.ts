import type { Document, MongoClient } from 'mongodb';
import { RawCursor } from '../../mongodb/raw-cursor.ts';
import { REPLY_OPTIONS } from '../../mongodb/reply-options.ts';
import { compareVersions, sourceFeatures } from '../../mongodb/server-features.ts';
import type { ReadFact, Server, Sight } from '../fact.ts';

/** Wire versions by release (docs/plan/supported-versions.md). The driver accepts those of 4.4 to 9.0. */
const WIRE = { '5.0': 13, '6.0': 17, '7.0': 21, '8.0': 25, '8.2': 27, '9.0': 29 };

const ANSWER_WITHIN_MS = 5_000;
/** No user has such a database or collection. */
const NOTHING = 'linkspan_probe_nothing';

/** Facts that reading shows on either side, without a collection. */
export const SERVER_FACTS: readonly ReadFact[] = [
  {
    name: 'WIRE_VERSION',
    what: 'the wire version',
    expected: ({ version }) => [
      String(Object.entries(WIRE).findLast(([release]) => compareVersions(release, version) <= 0)?.[1] ?? 0),
    ],
    meaning: 'The driver may refuse this server, or send it commands of another version.',
    look: async (client) => ({ seen: String((await ask(client, 'admin', { hello: 1 })).maxWireVersion) }),
  },
  {
    name: 'FEATURE_COMPATIBILITY_VERSION',
    what: 'the feature compatibility version, as getParameter shows it',
    expected: ({ version }) => [version.split('.').slice(0, 2).join('.'), 'an older one'],
    meaning: 'Linkspan decides by it what the server can do, and could not read it.',
    notOfRouters: true,
    look: async (client) => {
      const [{ version }, reply] = await Promise.all([
        ask(client, 'admin', { buildInfo: 1 }),
        ask(client, 'admin', { getParameter: 1, featureCompatibilityVersion: 1 }),
      ]);
      const level = String(reply.featureCompatibilityVersion?.version);
      return { seen: compareVersions(level, String(version)) < 0 ? 'an older one' : level };
    },
  },
  {
    name: 'WRITE_BLOCK_MODE',
    what: 'serverStatus.repl.userWriteBlockMode, which is 1 without a write block',
    expected: ({ level }) => (compareVersions(level, '6.0') < 0 ? ['undefined'] : ['1', '2']),
    meaning: 'Linkspan could take a source for blocked that is not, or fail to see a block.',
    notOfRouters: true,
    endangersData: true,
    look: async (client) => {
      const { repl } = await ask(client, 'admin', {
        serverStatus: 1,
        metrics: 0,
        tcmalloc: 0,
        wiredTiger: 0,
        locks: 0,
      });
      return { seen: String(repl?.userWriteBlockMode) };
    },
  },
  {
    name: 'MAX_TIME_ZERO',
    what: 'find and aggregate with maxTimeMS 0, which means no limit',
    expected: () => ['both accept it'],
    meaning: 'A cluster that limits reads (defaultMaxTimeMS) could end each read of a migration.',
    look: async (client) => {
      await ask(client, NOTHING, { find: NOTHING, maxTimeMS: 0 });
      await ask(client, NOTHING, { aggregate: NOTHING, pipeline: [], cursor: {}, maxTimeMS: 0 });
      return { seen: 'both accept it' };
    },
  },
  {
    name: 'OPLOG_STATISTICS',
    what: 'the statistics of the oplog that tell how fast it is overwritten',
    expected: () => ['size, maxSize, bytes written'],
    meaning: 'Linkspan can not warn of an oplog that is too short.',
    notOfRouters: true,
    look: async (client) => {
      const pipeline = [{ $collStats: { storageStats: {} } }];
      const { cursor } = await ask(client, 'local', { aggregate: 'oplog.rs', pipeline, cursor: {} });
      const { size, maxSize, wiredTiger } = cursor.firstBatch[0].storageStats as Document;
      const written = wiredTiger?.cursor?.['insert key and value bytes'];
      const known = Object.entries({ size, maxSize, 'bytes written': written }).filter(
        ([, value]) => Number(value) > 0,
      );
      return { seen: known.map(([name]) => name).join(', ') };
    },
  },
  {
    name: 'RESUME_TOKEN',
    what: 'the resume token of a change stream of the whole cluster, with showExpandedEvents from 6.0 on',
    expected: () => ['begins with 82, then a time'],
    meaning: 'Linkspan could not tell which changes a stream has shown.',
    endangersData: true,
    look: tokenForm,
  },
];

async function tokenForm(client: MongoClient, { level }: Server): Promise<Sight> {
  const expanded = sourceFeatures(level).showsCatalogChanges
    ? { showExpandedEvents: true, showSystemEvents: true }
    : {};
  const [cursor, { postBatchResumeToken }] = await RawCursor.open(client, 'admin', {
    aggregate: 1,
    // No event of users is read.
    pipeline: [{ $changeStream: { allChangesForCluster: true, ...expanded } }, { $match: { 'ns.db': NOTHING } }],
    cursor: {},
    readConcern: { level: 'majority' },
  });
  await using _ = cursor;
  const token = String(postBatchResumeToken?._data);
  const isKnown = /^82[0-9A-F]{16}/.test(token);
  return { seen: isKnown ? 'begins with 82, then a time' : `begins with ${token.slice(0, 2)}` };
}

async function ask(client: MongoClient, database: string, command: Document): Promise<Document> {
  return await client
    .db(database)
    .command({ ...command, maxTimeMS: command.maxTimeMS ?? ANSWER_WITHIN_MS }, REPLY_OPTIONS);
}
