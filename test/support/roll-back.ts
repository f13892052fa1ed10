import { type Document, MongoClient } from 'mongodb';
import { eventually } from './eventually.ts';
import type { MongodProcess } from './mongod-process.ts';
import type { ReplicaSet } from './replica-set.ts';

/** Stops the replication of a secondary. */
async function stopReplication(member: MongodProcess): Promise<void> {
  const { count } = await onMember(member, { configureFailPoint: 'stopReplProducer', mode: 'alwaysOn' });
  await onMember(member, { waitForFailPoint: 'stopReplProducer', timesEntered: count + 1, maxTimeMS: 20_000 });
}

async function onMember({ port }: MongodProcess, command: Document): Promise<Document> {
  await using client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  return await client.db('admin').command(command);
}

/**
 * Stops replication, so that later writes exist only on the primary. They need `w: 1`.
 * @returns a function that makes another member primary, which rolls these writes back. It resolves when the new primary has accepted a write
 */
export async function isolatePrimary(set: ReplicaSet): Promise<() => Promise<void>> {
  const primary = await set.primary();
  const others = set.members.filter((member) => member !== primary);
  await Promise.all(others.map((member) => stopReplication(member)));
  return async () => {
    await primary.kill();
    const resume = { configureFailPoint: 'stopReplProducer', mode: 'off' };
    await Promise.all(others.map((member) => onMember(member, resume)));
    const items = set.client.db('shop').collection('items');
    await eventually(() => items.insertOne({ afterRollBack: true }, { writeConcern: { w: 'majority' } }), {
      what: 'a write on the new primary',
    });
    await primary.restart();
  };
}
