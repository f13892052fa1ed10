import { type Document, type MongoClient, Timestamp } from 'mongodb';
import { RunningMigration } from '../engine/running-migration.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { mongodOfVersion } from '../support/mongod-versions.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { differencesOfMembers } from './check-end.ts';
import { drawEnd, driveToEnd, type PlannedEnd } from './drive.ts';
import type { RoundReport } from './round.ts';
import type { RoundLog } from './round-log.ts';

const SHOWN = 5;
/** A version of 6.0 with a command that sets the flag (6.0.5 has none). */
const SETS_FLAG = '6.0.27' as const;
const ROWS = 30;

interface Oddity {
  /** Version of the servers on both sides; the default servers if missing. */
  readonly version?: '6.0.27';
  readonly members: 1 | 3;
  /** Creates it on the source. */
  make(source: MongoClient): Promise<unknown>;
  /** Changes it after it was copied. */
  change?(source: MongoClient): Promise<unknown>;
  /** Checks the parts of it on the destination that a comparison of documents and options does not cover. */
  differences(pair: ReplicaSetPair): Promise<string[]>;
}

const ODDITIES = {
  /** With a plain write to a capped collection, each member stores its own time in such a document. */
  cappedTimestamps: {
    members: 3,
    make: async (source: MongoClient) => {
      const updates = Array.from({ length: ROWS }, (_, _id) => ({
        q: { _id },
        u: [{ $replaceWith: { $literal: { _id, t: new Timestamp(0n), v: 0 } } }],
        upsert: true,
      }));
      await source.db('odd').command({ update: 'log', updates });
      await source
        .db('odd')
        .collection('log')
        .updateMany({}, { $inc: { v: 1 } });
    },
    differences: ({ destination }) => differencesOfMembers(destination),
  },
  /** The query planner reads a flag in the catalog that is not an option of the collection. */
  mixedSchema: {
    version: SETS_FLAG,
    members: 1,
    make: async (source: MongoClient) => {
      await source.db('odd').command({ collMod: 'series', timeseriesBucketsMayHaveMixedSchemaData: true });
      await source.db('odd').collection('series').insertOne({ at: new Date(), x: 1 });
    },
    differences: async ({ source, destination }) => {
      const [wanted, found] = await Promise.all([flagOf(source.client), flagOf(destination.client)]);
      return wanted === found
        ? []
        : [`the flag for buckets with mixed schema is ${wanted} on the source and ${found} on the destination`];
    },
  },
  /** The comparison ignores the server's own databases. */
  documentsInAdmin: {
    members: 1,
    make: (source: MongoClient) => source.db('admin').collection('things').insertOne({ x: 1 }),
    differences: async ({ destination }) =>
      (await destination.client.db('admin').collection('things').countDocuments()) === 1
        ? []
        : ['the document in admin is missing'],
  },
} satisfies Record<string, Oddity>;

/** A special case that a migration must migrate exactly, or refuse by name. */
export interface RefusablePlan {
  readonly seed: number;
  readonly oddity: keyof typeof ODDITIES;
  readonly whileFollowing: boolean;
  readonly end: PlannedEnd;
}

export function drawRefusable(seed: number): RefusablePlan {
  const random = new SeededRandom(seed);
  return {
    seed,
    oddity: random.pick(Object.keys(ODDITIES) as (keyof typeof ODDITIES)[]),
    whileFollowing: random.next() < 0.5,
    end: drawEnd(random, 'commit'),
  };
}

/** Checks that the migration ends with a named error, or that the destination has the special case exactly. */
export async function runRefusable(plan: RefusablePlan, log: RoundLog): Promise<RoundReport> {
  const { version, members, make, change, differences }: Oddity = ODDITIES[plan.oddity];
  const mongod = version === undefined ? {} : { mongod: await mongodOfVersion(version) };
  await using pair = await startPair({ source: mongod, destination: { ...mongod, members } });
  const odd = pair.source.client.db('odd');
  await odd.createCollection('log', { capped: true, size: 1_048_576 });
  await odd.createCollection('series', { timeseries: { timeField: 'at' } });
  if (!plan.whileFollowing) await make(pair.source.client);
  await using running = RunningMigration.start(pair);
  await running.untilReady().catch(() => undefined);
  if (plan.whileFollowing) await make(pair.source.client);
  else await change?.(pair.source.client);
  const end = await driveToEnd('the migration', () => running, plan.end, log);
  if (end !== 'COMMITTED') return { end: JSON.stringify(end), documents: 0 };
  const compared = await compareClusters(pair.source.client, pair.destination.client);
  const found = [...compared.differences, ...(await differences(pair))];
  if (found.length > 0) log.find(`neither refused nor exact (${plan.oddity}): ${found.slice(0, SHOWN).join('; ')}`);
  return { end, documents: compared.documents };
}

async function flagOf(client: MongoClient): Promise<unknown> {
  const buckets = client.db('odd').collection('system.buckets.series');
  const [entry]: Document[] = await buckets.aggregate([{ $listCatalog: {} }]).toArray();
  return entry?.md?.timeseriesBucketsMayHaveMixedSchemaData ?? false;
}
