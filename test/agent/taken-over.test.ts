import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent } from '../../src/agent/agent.ts';
import type { AgentConfiguration } from '../../src/agent/configuration.ts';
import { establishLink } from '../../src/agent/establish-link.ts';
import {
  createMigration,
  getMigration,
  linkedAgentsOf,
  requestCutover,
  viewMigration,
} from '../../src/control/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { startPair } from '../support/replica-set.ts';
import { orderTo, SOURCE_PROJECT, startControlPlane } from './control-plane.ts';
import { readLog } from './read-log.ts';

/** More than the silence after which an agent counts as lost, and less than the difference of clocks that it is refused for. */
const LOST_MS = 26_000;

/** The part of a migration's record that counts its engines. */
interface Term {
  readonly _id: string;
  readonly term: number;
}

// id: lost-twice-not-ready
test('a migration that its agent has lost to another engine twice is not ready, and says why', async () => {
  let aheadMs = 0;
  await using plane = await startControlPlane({
    clock: { ...systemClock, now: () => systemClock.now() + aheadMs },
  });
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertOne({});
  const { control, actor, groupId } = plane;
  const { logger, lines } = readLog();
  const configuration: AgentConfiguration = {
    host: 'mover',
    dataDir: plane.agentDirectory,
    plainHttp: 'loopback',
    allowedDestinations: ['127.0.0.0/8'],
    projects: [{ id: SOURCE_PROJECT, name: 'shop', deployments: [{ name: 'orders', uri: pair.source.uri }] }],
  };
  const options = { dataDir: plane.agentDirectory, host: 'mover', token: await plane.newToken(), clock: systemClock };
  const stop = new AbortController();
  const { client } = await establishLink(options, stop.signal);
  const running = new Agent({ configuration, client, logger }).run(stop.signal);
  try {
    const hasInventory = async () =>
      (await linkedAgentsOf(control.store, plane.orgId))[0]?.inventory[0]?.deployments[0];
    await eventually(hasInventory, { what: 'the inventory' });
    const { id } = await createMigration(control, actor, groupId, await orderTo(plane, pair.destination.uri));
    const view = async () => await viewMigration(control, await getMigration(control, actor, groupId, id));
    await eventually(async () => (await view()).isReady, { what: 'the migration to be ready' });
    const records = pair.destination.client.db('linkspan_internal').collection<Term>('migrations');
    const lost = () => lines.filter((line) => line.includes('migration.failed') && line.includes('TAKEN_OVER')).length;
    const takeOver = async (times: number) => {
      const taken = await records.findOneAndUpdate({ _id: id }, { $inc: { term: 1 } }, { returnDocument: 'after' });
      await eventually(() => lost() === times, { what: 'the agent to lose the migration' });
      return taken?.term ?? 0;
    };
    const taken = await takeOver(1);
    const isTakenBack = async () => ((await records.findOne({ _id: id }))?.term ?? 0) > taken;
    await eventually(isTakenBack, { what: 'the agent to take it back' });
    await takeOver(2);

    aheadMs = LOST_MS;
    const isNamed = async () => (await view()).progress?.warnings.some((text) => text.includes(`migration ${id}.`));
    await eventually(isNamed, { what: 'the warning' });
    const { contact, gates, isReady, waits, progress } = await view();
    assert.deepEqual([contact?.status, contact?.isLeftOut, isReady], ['LOST', true, false]);
    assert.equal(gates.find(({ name }) => name === 'AGENT')?.state, 'BLOCKED');
    assert.match(waits[0]?.reason ?? '', /^it is heard, but it has not reported this migration since\./);
    assert.deepEqual(
      progress?.warnings.filter((text) => text.includes('taken over')),
      [
        `Another engine has taken over migration ${id}. Find the second agent or sync process. This one has stopped writing.`,
      ],
    );
    await assert.rejects(requestCutover(control, actor, groupId, id), { code: 'CUTOVER_NOT_READY' });
  } finally {
    stop.abort();
    await running;
  }
});
