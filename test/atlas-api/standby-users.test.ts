import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DestinationPort, keepDestinationUsers, type MigrationUser } from '../../src/control/index.ts';
import { silentLogger, UserError } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { startTwoHosts } from './two-hosts.ts';
import { unreachedDestinations } from './unreached-destinations.ts';

/** More than the silence after which a standby takes over. */
const SILENT_MS = 21_000;

/** A control plane that makes users, on a destination whose answers the test decides. */
async function startWithUsers() {
  const made: MigrationUser[] = [];
  let failure: Error | undefined;
  const destinations: DestinationPort = {
    ...unreachedDestinations,
    check: async () => ({ makesUsers: true }),
    makeUser: async (_tenant, _connectionString, user) => {
      if (failure !== undefined) throw failure;
      made.push(user);
    },
  };
  const hosts = await startTwoHosts({ destinations });
  const stop = new AbortController();
  const kept = keepDestinationUsers(hosts.plane.control, silentLogger, stop.signal);
  await eventually(async () => (await hosts.leading()) === 'leader', { what: 'the order for the leader' });
  return {
    hosts,
    made,
    fail: (error: Error | undefined) => {
      failure = error;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await kept;
      await hosts[Symbol.asyncDispose]();
    },
  };
}

test("a successor gets its order once the former leader's user is replaced by one of the same name with another password", async () => {
  await using world = await startWithUsers();
  const { hosts, made } = world;
  const { plane, id } = hosts;
  world.fail(new Error('no primary'));
  await hosts.passHeard(30_000);
  await hosts.passSilent(SILENT_MS);
  assert.equal(await hosts.leading(), '', 'the old user may still be there');
  assert.match(JSON.stringify((await hosts.show()).linkspan.waiting), /the destination/);
  world.fail(undefined);
  const isLed = async () => {
    hosts.clock.nowMs += 1_000;
    plane.control.userAlarm.ring();
    return (await hosts.leading()) === 'standby';
  };
  await eventually(isLed, { what: 'the order for the standby' });
  assert.deepEqual(
    made.map(({ name }) => name),
    [`linkspan-${id}`, `linkspan-${id}`],
  );
  const passwords = new Set(made.map(({ password }) => password));
  assert.equal(passwords.size, 2);
  const [wanted] = (await hosts.wanted(hosts.standby)).migrations;
  assert.equal(new URL(wanted?.assignment.destination.uri ?? '').password, made[1]?.password);
});

test('a destination that refuses to replace the user ends no migration, and neither does a cancellation meanwhile', async () => {
  await using world = await startWithUsers();
  const { hosts } = world;
  world.fail(new UserError('DESTINATION_USER_REFUSED', ['not authorized']));
  await hosts.passHeard(30_000);
  await hosts.passSilent(SILENT_MS);
  assert.equal((await hosts.ask('cancel', { dropCopiedData: false })).status, 202);
  for (let minutes = 0; minutes < 10; minutes += 1) {
    hosts.clock.nowMs += 60_000;
    hosts.plane.control.userAlarm.ring();
    await hosts.passSilent(5_000);
  }
  assert.equal((await hosts.show()).status, 'NEW');
  world.fail(undefined);
  const isLed = async () => {
    hosts.clock.nowMs += 60_000;
    hosts.plane.control.userAlarm.ring();
    return (await hosts.leading()) === 'standby';
  };
  await eventually(isLed, { what: 'the order for the standby' });
  const [wanted] = (await hosts.wanted(hosts.standby)).migrations;
  assert.equal(wanted?.order.wanted, 'CANCELLED');
});
