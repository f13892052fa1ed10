import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { clusterNamed, type DestinationPort, expireMigrations, keepDestinationUsers } from '../../src/control/index.ts';
import {
  connectToDestination,
  createDialler,
  dropMigrationUser,
  makeMigrationUser,
} from '../../src/destination/index.ts';
import { type WantedAgentState, wantedState } from '../../src/link/index.ts';
import { silentLogger, UserError } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { cliBody, prepare, progress, type World } from './migration-world.ts';

const HOUR_MS = 3_600_000;
/** Dials from processes of their own, as a server does. */
const dialler = createDialler({
  allowedDestinations: ['127.0.0.1'],
  logger: silentLogger,
  signal: new AbortController().signal,
});
/** Does in this process what a dialler process does. */
const real: DestinationPort = {
  check: (_tenant, connectionString) => connectToDestination(connectionString),
  makeUser: (_tenant, ...given) => makeMigrationUser(...given),
  dropUser: (_tenant, ...given) => dropMigrationUser(...given),
};

/** A control plane that manages users on a destination. It has its own clock, and checks the users when the test says so. */
class Setup implements AsyncDisposable {
  readonly world: World;
  readonly clock: FakeClock;
  readonly #stop = new AbortController();
  readonly #kept: Promise<void>;

  private constructor(world: World, clock: FakeClock) {
    this.world = world;
    this.clock = clock;
    this.#kept = keepDestinationUsers(world.plane.control, silentLogger, this.#stop.signal);
  }

  static async start(uri: string, destinations: DestinationPort = real): Promise<Setup> {
    const clock = new FakeClock();
    return new Setup(await prepare(await startControlPlane({ clock, destinations }), uri), clock);
  }

  /** Checks the users once more, `laterMs` later. */
  look(laterMs = 60_000): void {
    this.clock.nowMs += laterMs;
    this.world.plane.control.userAlarm.ring();
  }

  async order(kind: 'migration' | 'validation' = 'migration'): Promise<string> {
    const { plane, path, groupId } = this.world;
    const at = kind === 'migration' ? path : `${path}/validate`;
    return String((await plane.api('POST', at, { body: cliBody(groupId) })).json._id);
  }

  async wanted(): Promise<WantedAgentState> {
    return wantedState.parse((await this.world.agent.poll(null)).json);
  }

  /** The connection string that the agent gets for its writes. */
  uri(look?: () => void): Promise<string> {
    const told = async () => {
      look?.();
      const { migrations, validations } = await this.wanted();
      return [...migrations, ...validations][0]?.assignment.destination.uri;
    };
    return eventually(told, { what: 'the order for the agent' });
  }

  async api(method: string, path: string): Promise<Record<string, unknown>> {
    return (await this.world.plane.api(method, path)).json;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#kept;
    await this.world.plane[Symbol.asyncDispose]();
  }
}

describe('with a destination whose registered user may create users', () => {
  let set: ReplicaSet;

  before(async () => {
    set = await startReplicaSet({ auth: true });
  });

  after(() => set[Symbol.asyncDispose]());

  const isThere = async (id: string) =>
    (await set.client.db('admin').command({ usersInfo: `linkspan-${id}` })).users.length === 1;
  /** @param look  checks the users. It is called repeatedly, because a check leaves a user alone while another one creates or drops it */
  const gone = (id: string, look?: () => void) =>
    eventually(
      async () => {
        look?.();
        return !(await isThere(id));
      },
      { what: 'the user to be dropped', pollMs: 100 },
    );

  test('an agent gets a migration only when its user exists, and with that user', async () => {
    await using setup = await Setup.start(set.uri, dialler);
    const { groupId } = setup.world;
    const { linkspan } = await setup.api('GET', `/api/atlas/v2/groups/${groupId}/clusters/C1`);
    assert.deepEqual(linkspan, { destinationUsers: 'MIGRATION' });
    const id = await setup.order();
    const uri = await setup.uri();
    assert.ok(await isThere(id));
    assert.equal(new URL(uri).username, `linkspan-${id}`);
    assert.ok(!uri.includes('root'), uri);
    await using client = new MongoClient(uri);
    await client.db('shop').collection('a').insertOne({});
    // The user stays the same until the migration ends.
    setup.look();
    assert.equal(await setup.uri(), uri);
  });

  for (const [end, state] of [
    ['complete', 'COMMITTED'],
    ['failed', 'FAILED'],
    ['cancelled', 'CANCELLED'],
  ] as const) {
    test(`the user of a migration that is ${end} is dropped, after a short delay for the last writes of its engine`, async () => {
      await using setup = await Setup.start(set.uri, end === 'complete' ? dialler : real);
      const id = await setup.order();
      await setup.uri();
      await setup.world.agent.report({ migrations: [{ id, progress: progress(id, { state }) }] });
      setup.look(9_000);
      assert.ok(await isThere(id));
      await gone(id, () => setup.look());
      const { orgId } = setup.world.plane;
      const recorded = async () => {
        const { results } = await setup.api('GET', `/api/atlas/v2/orgs/${orgId}/events`);
        const names = (results as { eventTypeName: string }[]).map(({ eventTypeName }) => eventTypeName);
        return names.includes('MONGODB_USER_ADDED') && names.includes('MONGODB_USER_DELETED');
      };
      await eventually(recorded, { what: 'the record of the drop' });
    });
  }

  test('the user of an expired migration is dropped', async () => {
    await using setup = await Setup.start(set.uri);
    const id = await setup.order();
    await setup.uri();
    const ready = progress(id, { state: 'FOLLOWING', readyForCutover: true, notReadyReasons: [] });
    await setup.world.agent.report({ migrations: [{ id, progress: ready }] });
    setup.clock.nowMs += 121 * HOUR_MS;
    assert.equal(await expireMigrations(setup.world.plane.control), 1);
    await gone(id, () => setup.look());
  });

  test('a validation has its own user until its result arrives', async () => {
    await using setup = await Setup.start(set.uri);
    const id = await setup.order('validation');
    assert.equal(new URL(await setup.uri()).username, `linkspan-${id}`);
    await setup.world.agent.report({ validations: [{ id, status: 'SUCCESS', errorMessage: null, findings: [] }] });
    await gone(id, () => setup.look(0));
  });

  test('the next server process creates and drops users that an earlier one recorded', async () => {
    const clock = new FakeClock();
    const plane = await startControlPlane({ clock, destinations: real });
    await using world = Object.assign(await prepare(plane, set.uri), plane);
    const { groupId, path, agent } = world;
    const order = { method: 'POST', at: path, body: cliBody(groupId) };
    const id = String((await plane.api(order.method, order.at, { body: order.body })).json._id);
    assert.ok(!(await isThere(id)));
    for (const ended of [false, true]) {
      const stop = new AbortController();
      const kept = keepDestinationUsers(plane.control, silentLogger, stop.signal);
      if (ended) await gone(id);
      else await eventually(() => isThere(id), { what: 'the user to be created' });
      stop.abort();
      await kept;
      await agent.report({ migrations: [{ id, progress: progress(id, { state: 'FAILED' }) }] });
      clock.nowMs += 60_000;
    }
  });

  test('a migration that is cancelled before its user exists ends without its agent, and gets no user', async () => {
    await using setup = await Setup.start(set.uri, {
      ...real,
      makeUser: async () => {
        throw new Error('no primary');
      },
    });
    const id = await setup.order();
    assert.deepEqual((await setup.wanted()).migrations, []);
    await setup.world.plane.api('PUT', `${setup.world.path}/${id}/cancel`, { body: { dropCopiedData: false } });
    const ended = async () => {
      setup.look();
      return (await setup.api('GET', `${setup.world.path}/${id}`)).status === 'FAILED';
    };
    await eventually(ended, { what: 'the migration to end' });
  });

  test('a destination that refuses to create the user fails migration and validation at once, with the reason and a remedy', async () => {
    await set.createUser('admin-for-now', 'secret', ['userAdmin']);
    await using setup = await Setup.start(set.uriFor('admin-for-now', 'secret'), dialler);
    await set.client.db('admin').command({ updateUser: 'admin-for-now', roles: ['read'] });
    const { path } = setup.world;
    const [migration, validation] = [await setup.order(), await setup.order('validation')];
    for (const at of [`${path}/${migration}`, `${path}/validate/${validation}`]) {
      const failed = async () => {
        const { status, errorMessage } = await setup.api('GET', at);
        return status === 'FAILED' ? String(errorMessage) : undefined;
      };
      const message = await eventually(failed, { what: `${at} to fail` });
      assert.match(message, /is not allowed to create or drop a user.*not authorized.*userAdmin/);
    }
    await set.client.db('admin').command({ dropUser: 'admin-for-now' });
  });

  test('the server waits for a destination that does not answer, at most five minutes', async () => {
    let answers = false;
    const destinations: DestinationPort = {
      ...real,
      makeUser: async (...given) => {
        if (!answers) throw new Error('connect ECONNREFUSED');
        await real.makeUser(...given);
      },
    };
    await using setup = await Setup.start(set.uri, destinations);
    const id = await setup.order();
    setup.look();
    assert.equal((await setup.api('GET', `${setup.world.path}/${id}`)).status, 'NEW');
    answers = true;
    await setup.uri(() => setup.look());
    await setup.world.agent.report({ migrations: [{ id, progress: progress(id, { state: 'FAILED' }) }] });
    answers = false;
    const next = await setup.order();
    const failed = async () => {
      setup.look();
      const { status, errorMessage } = await setup.api('GET', `${setup.world.path}/${next}`);
      return status === 'FAILED' ? String(errorMessage) : undefined;
    };
    const message = await eventually(failed, { what: 'the migration to fail' });
    assert.match(message, /could not create a user on the destination within 5 minutes: connect ECONNREFUSED/);
    await gone(id, () => setup.look());
  });

  test('deleting a destination drops its users first, and also succeeds when the destination no longer exists', async () => {
    let isGone = false;
    const destinations: DestinationPort = {
      ...real,
      dropUser: async (...given) => {
        if (isGone) throw new Error('connect ECONNREFUSED');
        await real.dropUser(...given);
      },
    };
    for (isGone of [false, true]) {
      await using setup = await Setup.start(set.uri, destinations);
      const { plane, groupId, agent } = setup.world;
      const id = await setup.order();
      await setup.uri();
      const { id: clusterId = '' } = (await clusterNamed(plane.store, groupId, 'C1')) ?? {};
      await agent.report({ migrations: [{ id, progress: progress(id, { state: 'COMMITTED' }) }] });
      await plane.api('DELETE', `/api/atlas/v2/groups/${groupId}/clusters/C1`);
      const user = await eventually(
        async () => {
          const found = await plane.store.get('destinationUsers', id);
          return found?.state === 'made' ? undefined : found;
        },
        { what: 'the user to be created or dropped' },
      );
      assert.equal(user.state, isGone ? 'left' : 'dropped');
      assert.equal(await isThere(id), isGone);
      const cluster = await plane.store.get('clusters', clusterId);
      assert.ok(cluster);
      const place = { kind: 'clusters', id: clusterId, field: 'connectionString' };
      assert.equal(plane.control.sealer.open(cluster.connectionString, place), '');
      const left = { kind: 'destinationUsers', id, field: 'password' };
      assert.equal(plane.control.sealer.open(user.password, left), '');
      if (isGone) await dropMigrationUser(set.uri, `linkspan-${id}`, new AbortController().signal);
    }
  });
});

test('if the registered user may not create users, the agent gets that user itself; the permission is checked after each change', async () => {
  const destinations: DestinationPort = {
    check: async (_tenant, connectionString) => ({ makesUsers: connectionString.includes('admin:') }),
    makeUser: async () => {
      throw new UserError('DESTINATION_USER_REFUSED', ['no']);
    },
    dropUser: async () => undefined,
  };
  const uri = 'mongodb://mover:secret@d1:27017/?replicaSet=rs';
  await using setup = await Setup.start(uri, destinations);
  const path = `/api/atlas/v2/groups/${setup.world.groupId}/clusters/C1`;
  const shown = await setup.api('GET', path);
  assert.deepEqual(shown.linkspan, { destinationUsers: 'FIXED' });
  const connectionStrings = { standard: 'mongodb://admin:secret@d1:27017/?replicaSet=rs' };
  const { json: changed } = await setup.world.plane.api('PATCH', path, { body: { connectionStrings } });
  assert.deepEqual(changed.linkspan, { destinationUsers: 'MIGRATION' });
  await setup.world.plane.api('PATCH', path, { body: { connectionStrings: { standard: uri } } });
  await setup.order();
  assert.equal(await setup.uri(), uri);
});

test('the options of a connection string stay, except for the login of the registered user', async () => {
  const destinations: DestinationPort = {
    check: async () => ({ makesUsers: true }),
    makeUser: async () => undefined,
    dropUser: async () => undefined,
  };
  for (const [registered, expected] of [
    ['mongodb://a:b@d1,d2:2/?replicaSet=rs&authSource=x', '@d1,d2:2/?replicaSet=rs&authSource=admin'],
    ['mongodb+srv://a:b%40@d.example', '@d.example/?authSource=admin'],
    ['mongodb://a:b@d1/db?authmechanism=PLAIN&tls=true&AuthSource=$external', '@d1/?tls=true&authSource=admin'],
  ] as const) {
    await using setup = await Setup.start(registered, destinations);
    const id = await setup.order();
    const uri = await setup.uri();
    const [scheme] = registered.split('//');
    assert.match(uri, new RegExp(`^${scheme?.replace('+', '\\+')}//linkspan-${id}:[\\w-]{43}@`));
    assert.equal(uri.slice(uri.indexOf('@')), expected);
  }
});
