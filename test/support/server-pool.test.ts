import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkForLeaks } from './leak-check.ts';
import { type ReplicaSet, startReplicaSet } from './replica-set.ts';

checkForLeaks();

/** Uses a set, and then the one that the next test gets. Returns what that one is, or shows. */
async function usedThenNext<T>(use: (set: ReplicaSet) => Promise<unknown>, look: (set: ReplicaSet) => Promise<T>) {
  let used = '';
  {
    await using set = await startReplicaSet();
    used = set.name;
    await use(set);
  }
  await using next = await startReplicaSet();
  return { isSame: next.name === used, shown: await look(next) };
}

const nothing = async () => undefined;

describe('a replica set that another test has used', () => {
  it('has no data, accounts, block, fail point or session of that one', async () => {
    const use = async (set: ReplicaSet) => {
      const { client } = set;
      const admin = client.db('admin');
      await client.db('shop').collection('items').insertMany([{}, {}]);
      await client.db('people').command({ createUser: 'one', pwd: 'secret', roles: [] });
      await client.db('people').command({ createRole: 'reads', privileges: [], roles: [] });
      await admin.command({ setUserWriteBlockMode: 1, global: true });
      await set.failCommand({ mode: 'alwaysOn', data: { failCommands: ['ping'], errorCode: 1 } });
      client
        .db('shop')
        .collection('items')
        .find()
        .batchSize(1)
        .stream()
        .once('data', () => undefined)
        .pause();
    };
    const look = async ({ client }: ReplicaSet) => {
      await client.db('admin').command({ ping: 1 });
      await client.db('shop').collection('other').insertOne({});
      const { databases } = await client.db('admin').command({ listDatabases: 1, nameOnly: true });
      const { users } = await client.db('people').command({ usersInfo: 1 });
      const { roles } = await client.db('people').command({ rolesInfo: 1 });
      return [...databases.map(({ name }: { name: string }) => name), ...users, ...roles];
    };
    const { isSame, shown } = await usedThenNext(use, look);
    assert.deepEqual(shown.sort(), ['admin', 'config', 'local', 'shop']);
    assert.ok(isSame);
  });

  const kept: Readonly<Record<string, (set: ReplicaSet) => Promise<unknown>>> = {
    'a parameter': ({ client }) => client.db('admin').command({ setParameter: 1, transactionLifetimeLimitSeconds: 9 }),
    'a default write concern': ({ client }) =>
      client.db('admin').command({ setDefaultRWConcern: 1, defaultWriteConcern: { w: 1 } }),
    'a collection of the server': ({ client }) => client.db('local').createCollection('own'),
    'its process': async ({ members: [member] }) => {
      await member?.kill();
      await member?.restart();
    },
  };
  for (const [what, change] of Object.entries(kept)) {
    it(`is not used again when the test has changed ${what}`, async () => {
      assert.equal((await usedThenNext(change, nothing)).isSame, false);
    });
  }
});
