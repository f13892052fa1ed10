import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SELDOM_MS, SideWriter } from '../../engine/cutover/side-writer.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { fallSilent } from '../../support/fall-silent.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { LEAST_ROLES, leastPrivilegeUsers } from '../../support/least-privilege.ts';
import { untilStopped } from '../../support/linkspan-process.ts';
import type { ReplicaSetPair, Role } from '../../support/replica-set.ts';
import { OperatedPush } from './operated-push.ts';
import { OperatedSync } from './operated-sync.ts';
import { PagePart } from './page-part.ts';
import { skip } from './page-reader.ts';

checkForLeaks({ sockets: false });

const BLOCKED = 'engine.cutover.source-blocked';
const COMMITTED = 'engine.cutover.committed';

test('control plane: a failure before the point of no return leaves the source open, and the page cleans up after it', {
  skip,
}, async () => {
  await using push = await OperatedPush.ready({ hook: `${BLOCKED}=stop` });
  const { pair, setup, reader } = push;
  await using app = await SideWriter.start(pair.source, 'source', SELDOM_MS);
  await push.cutOver();
  await untilStopped(push.agent);
  await withdrawRoles(pair, userOf(push));
  push.agent.kill('SIGCONT');
  await eventually(async () => (await setup.show()).status === 'FAILED', { what: 'the failure', pollMs: 100 });
  {
    using part = new PagePart('Before the point of no return', 'control plane');
    assert.equal(await part.follow(reader), 'write block: 1\n');
    assert.equal(await app.canWrite(), true);
  }
  {
    using part = new PagePart('Clean up', 'control plane');
    assert.match(await part.follow(reader), /collection shop\.orders: stays/);
  }
  await fallSilent(pair.destination, setup.variables.MIGRATION_ID);
  {
    using part = new PagePart('After a migration without a cutover', 'control plane');
    await part.follow(reader);
    assert.match(reader.answer, /collection shop\.orders: dropped/);
  }
  const { databases } = await pair.destination.client.db('admin').admin().listDatabases();
  assert.deepEqual(databases.map(({ name }) => name).sort(), ['admin', 'config', 'local']);
  await pair.destination.createUser('app', 'secret', ['readWriteAnyDatabase']);
});

// id: control-plane-past-no-return
test('control plane: a failure past the point of no return ends nothing, and the agent of the page finishes the cutover', {
  skip,
}, async () => {
  await using push = await OperatedPush.ready({ hook: `${COMMITTED}=stop` });
  const { pair, setup, reader } = push;
  await push.cutOver();
  await untilStopped(push.agent);
  const user = userOf(push);
  const roles = await withdrawRoles(pair, user);
  push.agent.kill('SIGCONT');
  const message = async () => String((await setup.show()).errorMessage);
  await eventually(async () => /is past its point of no return/.test(await message()), {
    what: 'the message',
    pollMs: 100,
  });
  assert.equal((await setup.show()).status, 'WORKING');
  using part = new PagePart('After the point of no return', 'control plane');
  await part.follow(reader, 1);
  assert.match(reader.answer, /^result +the cutover is past its point of no return$/m);
  await pair.destination.client.db('admin').command({ grantRolesToUser: user, roles });
  await push.restartAgent();
  await part.follow(reader);
  await expectIdentical(pair);
});

// id: sync-past-no-return
test('linkspan sync: a migration that failed before, and then past the point of no return is resumed by the page', {
  skip,
}, async () => {
  await using sync = await OperatedSync.ready({
    hook: `${BLOCKED}=stop`,
    urisOf: async (pair) => {
      const { source, destination } = await leastPrivilegeUsers(pair);
      return { source: source.uri, destination: destination.uri };
    },
  });
  const { pair, reader } = sync;
  await using app = await SideWriter.start(pair.source, 'source', SELDOM_MS);
  const failAt = async () => {
    await sync.cutOver();
    await untilStopped(sync.process);
    await withdrawRoles(pair, 'writer');
    sync.process.kill('SIGCONT');
    assert.equal((await sync.process.exit).code, 1, sync.process.stderr);
    const roles = [...LEAST_ROLES.destination];
    await pair.destination.client.db('admin').command({ grantRolesToUser: 'writer', roles });
  };
  {
    using part = new PagePart('Before the point of no return', 'sync');
    await failAt();
    await part.follow(reader, 1);
    assert.equal(await app.canWrite(), true);
    await sync.restart(`${COMMITTED}=stop`);
    await part.follow(reader);
    await sync.untilReady();
  }
  using part = new PagePart('After the point of no return', 'sync');
  await failAt();
  assert.equal(await app.canWrite(), false);
  await sync.restart();
  await part.follow(reader);
  await expectIdentical(pair);
});

/** The user that the control plane has made on the destination for the migration. */
function userOf({ setup }: OperatedPush): string {
  return `linkspan-${setup.variables.MIGRATION_ID}`;
}

/** Takes all roles from a user of the destination. @returns the roles */
async function withdrawRoles({ destination }: ReplicaSetPair, user: string): Promise<Role[]> {
  const admin = destination.client.db('admin');
  const { users } = await admin.command({ usersInfo: user });
  const { roles } = users[0];
  await admin.command({ revokeRolesFromUser: user, roles });
  return roles;
}
