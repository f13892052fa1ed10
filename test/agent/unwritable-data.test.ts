import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Agent } from '../../src/agent/agent.ts';
import type { AgentConfiguration } from '../../src/agent/configuration.ts';
import { establishLink } from '../../src/agent/establish-link.ts';
import {
  createMigration,
  getMigration,
  getValidation,
  linkedAgentsOf,
  requestCutover,
  startValidation,
} from '../../src/control/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { startPair, startReplicaSet } from '../support/replica-set.ts';
import { orderTo, SOURCE_PROJECT, startControlPlane } from './control-plane.ts';
import { readLog } from './read-log.ts';

/** Far below the 30 s of a poll, after which a new attempt would come anyway. */
const WITHOUT_A_POLL_MS = 15_000;

test('a cutover that cannot be noted waits and says why, other orders are carried out, and it begins once it is noted', async () => {
  await using plane = await startControlPlane();
  await using pair = await startPair();
  await using other = await startReplicaSet();
  await pair.source.client.db('shop').collection('orders').insertOne({});
  const { control, actor, groupId } = plane;
  const { logger, lines, logged } = readLog();
  const deployments = ['orders', 'more'].map((name) => ({ name, uri: pair.source.uri }));
  const configuration: AgentConfiguration = {
    host: 'mover',
    dataDir: plane.agentDirectory,
    plainHttp: 'loopback',
    allowedDestinations: ['127.0.0.0/8'],
    projects: [{ id: SOURCE_PROJECT, name: 'shop', deployments }],
  };
  const options = { dataDir: plane.agentDirectory, host: 'mover', token: await plane.newToken(), clock: systemClock };
  const stop = new AbortController();
  const { client } = await establishLink(options, stop.signal);
  const running = new Agent({ configuration, client, logger }).run(stop.signal);
  try {
    const hasInventory = async () =>
      (await linkedAgentsOf(control.store, plane.orgId))[0]?.inventory[0]?.deployments[1];
    await eventually(hasInventory, { what: 'the inventory' });
    const seen = (id: string) => getMigration(control, actor, groupId, id);
    const isReady = async (id: string) => (await seen(id)).state.readyForCutover;
    const { id } = await createMigration(control, actor, groupId, await orderTo(plane, pair.destination.uri));
    await eventually(() => isReady(id), { what: 'the migration to be ready' });

    const inItsPlace = join(plane.agentDirectory, 'cutovers.json');
    mkdirSync(inItsPlace);
    await requestCutover(control, actor, groupId, id);
    await logged('agent.data_unwritable');
    const wait = await eventually(async () => (await seen(id)).progress?.waiting[0], { what: 'the wait' });
    assert.equal(wait.for, "the agent's data directory");
    assert.match(wait.reason, /cutovers\.json/);
    const later = await createMigration(control, actor, groupId, await orderTo(plane, other.uri, 'more'));
    await eventually(() => isReady(later.id), { what: 'the migration that was ordered later' });
    const held = await seen(id);
    assert.deepEqual([held.state.status, held.progress?.cutover], ['WORKING', undefined]);

    rmdirSync(inItsPlace);
    await eventually(() => lines.some((line) => line.includes('agent.data_writable')), {
      what: 'the note of the cutover',
      deadlineMs: WITHOUT_A_POLL_MS,
    });
    await eventually(async () => (await seen(id)).state.status === 'COMPLETE', { what: 'the cutover' });
    const said = (event: string) => lines.filter((line) => line.includes(`"${event}"`)).length;
    assert.deepEqual([said('agent.data_unwritable'), said('control_plane.unreachable')], [1, 0]);
  } finally {
    stop.abort();
    await running;
  }
});

// id: new-keys-not-stored
test('orders that arrive with new keys of the control plane are carried out while the keys cannot be stored, which a later poll does', async () => {
  await using plane = await startControlPlane();
  await using destination = await startReplicaSet();
  const { control, actor, groupId } = plane;
  const { logger, lines, logged } = readLog();
  const configuration: AgentConfiguration = {
    host: 'mover',
    dataDir: plane.agentDirectory,
    plainHttp: 'loopback',
    allowedDestinations: ['127.0.0.0/8'],
    projects: [{ id: SOURCE_PROJECT, name: 'shop', deployments: [{ name: 'orders', uri: destination.uri }] }],
  };
  const options = { dataDir: plane.agentDirectory, host: 'mover', token: await plane.newToken(), clock: systemClock };
  const stop = new AbortController();
  const { client } = await establishLink(options, stop.signal);
  const running = new Agent({ configuration, client, logger }).run(stop.signal);
  try {
    const hasInventory = async () =>
      (await linkedAgentsOf(control.store, plane.orgId))[0]?.inventory[0]?.deployments[0];
    await eventually(hasInventory, { what: 'the inventory' });
    const validated = async () => {
      const { id } = await startValidation(control, actor, groupId, await orderTo(plane, destination.uri));
      await eventually(async () => (await getValidation(control, actor, groupId, id)).status !== 'PENDING', {
        what: 'the result of a validation',
      });
    };

    const file = join(plane.agentDirectory, 'link.json');
    const inItsPlace = `${file}.new`;
    mkdirSync(inItsPlace);
    await control.serverKeys.rotate();
    await validated();
    await logged('agent.keys_unstored');
    await validated();

    rmdirSync(inItsPlace);
    await validated();
    await logged('agent.keys_stored');
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')).serverKeys, control.serverKeys.publicKeys);
    const said = (event: string) => lines.filter((line) => line.includes(`"${event}"`)).length;
    assert.deepEqual([said('agent.keys_unstored'), said('control_plane.unreachable')], [1, 0]);
  } finally {
    stop.abort();
    await running;
  }
});
