import { setTimeout as delay } from 'node:timers/promises';
import type { Document, MongoClient } from 'mongodb';
import { eventually } from '../support/eventually.ts';
import type { MongodProcess } from '../support/mongod-process.ts';
import type { ReplicaSet } from '../support/replica-set.ts';
import type { RolledBack } from './fault.ts';

const DATABASE = 'rolled';
const NAME = 'documents';
const DOCUMENTS = 60;
/** Delay of the engine's reads, so that they see the change. */
const READS_WAIT_MS = 8_000;
/** Long enough for a change to reach the engine. */
const SEEN_MS = 1_500;
const DEADLINE_MS = 60_000;

const CHANGES: Readonly<Record<RolledBack, (primary: MongoClient) => Promise<unknown>>> = {
  drop: (primary) => drop(primary),
  // It waits for the secondaries whatever the write concern is, so its end must not be awaited.
  dropDatabase: async (primary) => {
    primary
      .db(DATABASE)
      .dropDatabase({ writeConcern: { w: 1 } })
      .catch(() => undefined);
    const isDropped = async () => !(await primary.db(DATABASE).listCollections({}, { nameOnly: true }).hasNext());
    await eventually(isDropped, { what: 'a dropped database', deadlineMs: DEADLINE_MS });
  },
  rename: (primary) =>
    primary
      .db('admin')
      .command({ renameCollection: `${DATABASE}.${NAME}`, to: `${DATABASE}.other`, writeConcern: { w: 1 } }),
  dropAndCreate: async (primary) => {
    await drop(primary);
    await primary
      .db(DATABASE)
      .collection(NAME)
      .insertOne({ rolledBack: true }, { writeConcern: { w: 1 } });
  },
  // A build needs votes of the secondaries, so its end must not be awaited.
  createIndex: (primary) =>
    primary.db(DATABASE).command({
      createIndexes: NAME,
      indexes: [{ key: { v: 1 }, name: 'v' }],
      commitQuorum: 0,
      writeConcern: { w: 1 },
    }),
};

/** Creates the collections that `rollBack` changes. */
export async function fillRolledBack(client: MongoClient): Promise<void> {
  const documents = Array.from({ length: DOCUMENTS }, (_, n) => ({ _id: n as never, v: 0 }));
  await client
    .db(DATABASE)
    .collection<Document>(NAME)
    .insertMany(documents, { writeConcern: { w: 'majority' } });
}

/**
 * Updates all documents of a collection with majority, then changes the catalog only on the primary, and kills it. The next
 * primary has the updates but not the change. The engine's reads of the updated documents wait until the change has taken place.
 */
export async function rollBack(set: ReplicaSet, change: RolledBack, lastsMs: number): Promise<void> {
  const primary = await set.primary();
  const others = set.members.filter((member) => member !== primary);
  await using client = set.clientOf(primary);
  const held = {
    failCommands: ['find'],
    appName: 'linkspan-source',
    blockConnection: true,
    blockTimeMS: READS_WAIT_MS,
  };
  const majority = { w: 'majority', wtimeout: DEADLINE_MS } as const;
  try {
    await set.failCommand({ mode: 'alwaysOn', data: held });
    await client
      .db(DATABASE)
      .collection(NAME)
      .updateMany({}, { $inc: { v: 1 } }, { writeConcern: majority });
    await delay(SEEN_MS);
    await Promise.all(others.map((member) => stopReplication(set, member)));
    await CHANGES[change](client);
    await delay(READS_WAIT_MS + lastsMs);
  } finally {
    await primary.kill();
    for (const member of others) await replicateAgain(set, member);
    await set.primary();
    // The end of the primary also ends the delay of reads, unless an election has moved that to another member.
    await set.clearFailPoints();
    if (!primary.running) await primary.restart();
  }
}

async function drop(primary: MongoClient): Promise<void> {
  await primary.db(DATABASE).command({ drop: NAME, writeConcern: { w: 1 } });
}

async function stopReplication(set: ReplicaSet, member: MongodProcess): Promise<void> {
  await using client = set.clientOf(member);
  const admin = client.db('admin');
  const { count } = await admin.command({ configureFailPoint: 'stopReplProducer', mode: 'alwaysOn' });
  await admin.command({ waitForFailPoint: 'stopReplProducer', timesEntered: count + 1, maxTimeMS: 20_000 });
}

async function replicateAgain(set: ReplicaSet, member: MongodProcess): Promise<void> {
  const off = async () => {
    await using client = set.clientOf(member);
    return await client.db('admin').command({ configureFailPoint: 'stopReplProducer', mode: 'off' });
  };
  await eventually(off, { what: 'a secondary that replicates again', deadlineMs: DEADLINE_MS });
}
