import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MongoClient, MongoServerError } from 'mongodb';
import { connectToDestination, dropMigrationUser, makeMigrationUser } from '../../src/destination/index.ts';
import { onFailpoint } from '../../src/platform/index.ts';
import { freePort } from '../support/mongod-process.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';

const never = new AbortController().signal;
const USER = {
  name: 'linkspan-0123456789abcdef01234567',
  password: 'canary-of-the-user',
  reversible: false,
  usersAndRoles: false,
};
/** The privileges that the registered user needs in the database admin. */
const MAKING = ['createUser', 'dropUser', 'createRole', 'dropRole', 'grantRole'];

describe('the user of a migration', () => {
  let set: ReplicaSet;

  before(async () => {
    set = await startReplicaSet({ auth: true });
  });

  after(() => set[Symbol.asyncDispose]());

  const namesOf = async (command: 'usersInfo' | 'rolesInfo') => {
    const { users, roles } = await set.client.db('admin').command({ [command]: 1 });
    return (users ?? roles).map(({ user, role }: { user?: string; role?: string }) => user ?? role).sort();
  };
  const make = (password = USER.password) => makeMigrationUser(set.uri, { ...USER, password }, never);
  const loggedIn = async (password: string, act: (client: MongoClient) => Promise<unknown>) => {
    await using client = new MongoClient(set.uriFor(USER.name, password));
    return await act(client);
  };
  const ping = (client: MongoClient) => client.db('admin').command({ ping: 1 });

  test('can be created again, then exists once, and leaves nothing when it is dropped', async () => {
    await make('first');
    await make('second');
    await assert.rejects(loggedIn('first', ping), /Authentication failed/);
    await loggedIn('second', ping);
    for (let times = 0; times < 2; times++) {
      await dropMigrationUser(set.uri, USER.name, never);
      assert.deepEqual([await namesOf('usersInfo'), await namesOf('rolesInfo')], [['root'], []]);
    }
  });

  test('is completed after an attempt that ended half-way', async () => {
    {
      using _ = onFailpoint('destination.user.role-made', () => {
        throw new Error('killed');
      });
      await assert.rejects(make(), /killed/);
    }
    assert.deepEqual([await namesOf('usersInfo'), await namesOf('rolesInfo')], [['root'], [USER.name]]);
    await make();
    await loggedIn(USER.password, ping);
    await dropMigrationUser(set.uri, USER.name, never);
  });

  test('cannot create users or grant itself roles, so nothing outlives it', async () => {
    await make();
    await loggedIn(USER.password, async (client) => {
      const admin = client.db('admin');
      for (const command of [
        { createUser: 'lasting', pwd: 'x', roles: ['root'] },
        { grantRolesToUser: USER.name, roles: ['root'] },
        { grantRolesToRole: USER.name, roles: ['root'] },
        { updateUser: 'root', pwd: 'x' },
      ]) {
        await assert.rejects(admin.command(command), { codeName: 'Unauthorized' }, Object.keys(command)[0]);
      }
      for (const name of ['system.users', 'system.roles']) {
        await assert.rejects(admin.collection(name).insertOne({}), MongoServerError);
      }
    });
    await dropMigrationUser(set.uri, USER.name, never);
  });

  test('loses access when it is dropped, also on open connections', async () => {
    await make();
    await loggedIn(USER.password, async (client) => {
      await client.db('shop').collection('a').insertOne({});
      await dropMigrationUser(set.uri, USER.name, never);
      await assert.rejects(client.db('shop').collection('a').insertOne({}), MongoServerError);
    });
  });

  test('is created by a user with the privileges to create users in admin, and by no user who lacks one', async () => {
    const admin = set.client.db('admin');
    for (const lacking of [undefined, ...MAKING]) {
      const name = `maker-without-${lacking ?? 'nothing'}`;
      const actions = MAKING.filter((action) => action !== lacking);
      const privileges = [{ resource: { db: 'admin', collection: '' }, actions }];
      await admin.command({ createRole: name, privileges, roles: [] });
      await set.createUser(name, 'canary', [name]);
      const uri = set.uriFor(name, 'canary');
      assert.deepEqual(await connectToDestination(uri), { makesUsers: lacking === undefined }, name);
      const cycle = async () => {
        await makeMigrationUser(uri, USER, never);
        await dropMigrationUser(uri, USER.name, never);
      };
      if (lacking === undefined) await cycle();
      else await assert.rejects(cycle(), { code: 'DESTINATION_USER_REFUSED' }, name);
      await dropMigrationUser(set.uri, USER.name, never);
      await admin.command({ dropUser: name });
      await admin.command({ dropRole: name });
    }
    for (const [role, makesUsers] of [
      ['userAdmin', true],
      ['userAdminAnyDatabase', true],
      ['restore', true],
      ['readWriteAnyDatabase', false],
    ] as const) {
      await set.createUser('one', 'secret', [role]);
      assert.deepEqual(await connectToDestination(set.uriFor('one', 'secret')), { makesUsers }, role);
      await admin.command({ dropUser: 'one' });
    }
  });

  test('is not created when authentication fails, and may be retried when no server answers', async () => {
    const wrong = set.uriFor('root', 'canary-wrong');
    await assert.rejects(makeMigrationUser(wrong, USER, never), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'DESTINATION_USER_REFUSED');
      assert.ok(!error.message.includes('canary'), error.message);
      return true;
    });
    const nobody = `mongodb://root:canary@127.0.0.1:${await freePort()}/?replicaSet=rs`;
    const stop = new AbortController();
    const asking = makeMigrationUser(nobody, USER, stop.signal);
    stop.abort();
    await assert.rejects(asking, (error: Error & { code?: string }) => {
      assert.notEqual(error.code, 'DESTINATION_USER_REFUSED');
      assert.ok(!error.message.includes('canary'), error.message);
      return true;
    });
  });
});

test('is not needed without authentication', async () => {
  await using set = await startReplicaSet();
  assert.deepEqual(await connectToDestination(set.uri), { makesUsers: false });
});
