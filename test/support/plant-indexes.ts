import { type Document, Long, MongoClient, Timestamp } from 'mongodb';
import { MongodProcess } from './mongod-process.ts';
import type { ReplicaSet } from './replica-set.ts';

/** Server parameters that `plantIndexes` needs. */
export const PLANTING = { 'failpoint.skipIndexCreateFieldNameValidation': '{mode:"alwaysOn"}' } as const;

/**
 * Creates indexes that the server of a set with one member refuses to create, but keeps from older versions. Writes them into the oplog while the server
 * is down. Its recovery creates them, because it checks less than `createIndexes`. The collections must exist.
 * @param set  started with the parameters `PLANTING`
 * @param indexes  definitions by namespace
 */
export async function plantIndexes(set: ReplicaSet, indexes: Readonly<Record<string, Document>>): Promise<void> {
  const [member] = set.members;
  if (member === undefined) throw new Error('a replica set needs a member');
  const { parsed } = await set.client.db('admin').command({ getCmdLineOpts: 1 });
  const operations = await Promise.all(
    Object.entries(indexes).map(async ([namespace, spec]) => {
      const [database = '', name = ''] = namespace.split('.');
      const reply = await set.client.db(database).command({ listCollections: 1, filter: { name } });
      const index = { createIndexes: name, v: 2, ...spec };
      return { op: 'c', ns: `${database}.$cmd`, ui: reply.cursor.firstBatch[0].info.uuid, o: index };
    }),
  );
  await member.kill('SIGTERM');
  const alone = await MongodProcess.start(['--dbpath', parsed.storage.dbPath, '--nounixsocket']);
  try {
    await using client = new MongoClient(`mongodb://127.0.0.1:${alone.port}/?directConnection=true`);
    const oplog = client.db('local').collection('oplog.rs');
    const [last] = await oplog.find({}, { sort: { $natural: -1 }, limit: 1, promoteLongs: false }).toArray();
    if (last === undefined) throw new Error('an oplog has an entry');
    const entries = operations.map((operation, index) => ({
      ...operation,
      ts: new Timestamp({ t: last.ts.getHighBits() + 1, i: index + 1 }),
      t: last.t,
      v: Long.fromNumber(2),
      wall: new Date(),
    }));
    await oplog.insertMany(entries, { ignoreUndefined: false });
  } finally {
    await alone.kill('SIGTERM');
  }
  await member.restart();
  await set.primary();
}
