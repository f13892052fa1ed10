import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MongodUnavailable } from '../support/mongod-binary.ts';
import { type MongodVersion, mongodOfVersion } from '../support/mongod-versions.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { restartKilled } from '../support/restart-killed.ts';

const DOCUMENTS = 100;
const CLIENTS = 8;
const SWAPS = 25;

// id: member-6-0-5
test('a member of 6.0.5 that is killed while an index has prepareUnique needs a newer release to start', async (t) => {
  await killAndStart(t, '6.0.5', { needsNewer: true });
});

// id: member-6-0-27
test('a member of 6.0.27 that is killed while an index has prepareUnique starts again', async (t) => {
  await killAndStart(t, '6.0.27', { needsNewer: false });
});

/** Kills the only member of a set while values of a unique index move (docs/reference/mongodb-behaviour.md#fact-8-18). */
async function killAndStart(t: TestContext, version: MongodVersion, { needsNewer }: { readonly needsNewer: boolean }) {
  try {
    await using set = await startReplicaSet({ mongod: await mongodOfVersion(version) });
    const before = await passValues(set);
    const member = await set.primary();
    await member.kill();
    assert.equal(await restartKilled(member, set), needsNewer);
    await set.primary();
    assert.deepEqual(await statesOf(set), before);
  } catch (error) {
    if (!(error instanceof MongodUnavailable)) throw error;
    t.skip(error.message);
  }
}

/** Passes values of an index with `prepareUnique` between documents. @returns all documents */
async function passValues(set: ReplicaSet): Promise<unknown> {
  const db = set.client.db('shop');
  const seats = db.collection<{ _id: number; seat: number }>('seats');
  await seats.insertMany(Array.from({ length: DOCUMENTS }, (_, n) => ({ _id: n, seat: n })));
  await seats.createIndex({ seat: 1 });
  await db.command({ collMod: 'seats', index: { name: 'seat_1', prepareUnique: true } });
  const swapAll = async (client: number) => {
    const free = -1 - client;
    for (let n = 0; n < SWAPS; n += 1) {
      const [one, other] = [client + CLIENTS * (n % 12), client + CLIENTS * ((n + 1) % 12)];
      const sit = async (_id: number, seat: number) =>
        (await seats.findOneAndUpdate({ _id }, { $set: { seat } }))?.seat ?? free;
      const seat = await sit(one, free);
      await sit(one, await sit(other, seat));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => swapAll(client)));
  return await statesOf(set);
}

async function statesOf({ client }: ReplicaSet): Promise<unknown> {
  return await client.db('shop').collection('seats').find().sort({ _id: 1 }).toArray();
}
