import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { Agent } from '../../src/agent/agent.ts';
import { establishLink } from '../../src/agent/establish-link.ts';
import {
  createMigration,
  getMigration,
  keepAnnouncing,
  keepExpiring,
  keepWarningOfExpiry,
  requestCutover,
} from '../../src/control/index.ts';
import { createFileLogger } from '../../src/platform/index.ts';
import { orderTo, SOURCE_PROJECT, startControlPlane } from '../../test/agent/control-plane.ts';
import { eventually } from '../../test/support/eventually.ts';
import { DATABASE, startServers } from '../servers.ts';
import { JumpClock } from './jump-clock.ts';

/**
 * `npm run bench:day -- [--hours 24]`: a control plane and an agent in this process follow a source by a clock that jumps five seconds after
 * each change that arrived. Prints every few hours how much was logged and stored; cuts over at the end, and compares both sides. Fails when a
 * figure exceeds its limit.
 */
const { values } = parseArgs({ options: { hours: { type: 'string', default: '24' } } });
const JUMP_MS = 5_000;
const HOUR_MS = 3_600_000;
const TABLE_EVERY_HOURS = 3;
const WAITING_MS = 15 * 60_000;
const POLL_MS = 5;
const LIMIT_MEGABYTES = 512;
const LOG_KILOBYTES_PER_HOUR = 10;
const RECORDS_KILOBYTES = 1_000;
/** A sample each second for the last hour, and one each minute. */
const SAMPLES_OF_LAST_HOUR = 3_600;
const SAMPLES_PER_HOUR = 60;
/** The rows of every other table of the store. */
const ROWS_OF_TABLE = 100;

const clock = new JumpClock();
const stop = new AbortController();
await using resources = new AsyncDisposableStack();
const { source, destination } = resources.use(await startServers());
const plane = resources.use(await startControlPlane({ clock }));
const { control, actor, groupId, agentDirectory } = plane;
const folder = dirname(agentDirectory);
const logFile = join(folder, 'log');
const { logger } = createFileLogger(logFile, 'info', (error) => {
  throw error;
});
const [there, here] = [source, destination].map(({ client }) =>
  client.db(DATABASE).collection<{ _id: number; jumps?: number }>('documents'),
);
assert.ok(there && here);
await there.insertMany(Array.from({ length: 1_000 }, (_, _id) => ({ _id })));

const ended = Promise.all([
  keepExpiring(control, logger, stop.signal),
  keepAnnouncing(control, WAITING_MS, logger, stop.signal),
  keepWarningOfExpiry(control, logger, stop.signal),
  runAgent(await plane.newToken()),
]);
resources.defer(async () => {
  stop.abort();
  await ended;
});
await eventually(async () => (await control.store.find('agents', {}))[0]?.inventory.length, { what: 'the inventory' });
const { id } = await createMigration(control, actor, groupId, await orderTo(plane, destination.uri));
await untilReady();

const began = clock.now();
const endMs = began + Number(values.hours) * HOUR_MS;
let nextTableMs = began;
for (let jumps = 1; clock.now() < endMs; jumps += 1) {
  await there.updateOne({ _id: jumps % 1_000 }, { $set: { jumps } });
  const arrived = async () =>
    (await here.findOne({ _id: jumps % 1_000 }, { projection: { jumps: 1 } }))?.jumps === jumps;
  await eventually(arrived, { what: `change ${jumps}`, pollMs: POLL_MS });
  if (clock.now() >= nextTableMs) {
    await print();
    nextTableMs += TABLE_EVERY_HOURS * HOUR_MS;
  }
  clock.jump(JUMP_MS);
}
await print();
await untilReady();
await requestCutover(control, actor, groupId, id);
await eventually(async () => (await getMigration(control, actor, groupId, id)).state.status === 'COMPLETE', {
  what: 'the cutover',
});
const [left, right] = await Promise.all(
  [source, destination].map(({ client }) => client.db(DATABASE).command({ dbHash: 1 })),
);
assert.equal(left?.md5, right?.md5);

async function runAgent(token: string): Promise<void> {
  const { client } = await establishLink({ dataDir: agentDirectory, host: 'mover', token, clock }, stop.signal);
  const configuration = {
    host: 'mover',
    dataDir: agentDirectory,
    plainHttp: 'loopback' as const,
    allowedDestinations: ['127.0.0.0/8'],
    projects: [{ id: SOURCE_PROJECT, name: 'shop', deployments: [{ name: 'orders', uri: source.uri }] }],
  };
  await new Agent({ configuration, client, logger, clock }).run(stop.signal);
}

async function untilReady(): Promise<void> {
  const isReady = async () => (await getMigration(control, actor, groupId, id)).state.readyForCutover;
  await eventually(isReady, { what: 'a migration that is ready for its cutover' });
}

async function print(): Promise<void> {
  const { storageSize, indexSize } = await destination.client.db('linkspan_internal').stats();
  const { rss, heapUsed } = process.memoryUsage();
  const hours = Math.round((clock.now() - began) / HOUR_MS);
  const figures = {
    logKilobytes: Math.round(statSync(logFile).size / 1_000),
    recordsKilobytes: Math.round((storageSize + indexSize) / 1_000),
    rssMegabytes: Math.round(rss / 1e6),
    heapMegabytes: Math.round(heapUsed / 1e6),
  };
  const rows = rowsOfStore();
  console.log(JSON.stringify({ hours, ...figures, ...rows }));
  const { migration_samples = 0, ...others } = rows;
  assert.ok(figures.logKilobytes <= LOG_KILOBYTES_PER_HOUR * (1 + hours), 'more of a log than its limit');
  assert.ok(figures.recordsKilobytes <= RECORDS_KILOBYTES, 'more records on the destination than their limit');
  assert.ok(figures.rssMegabytes < LIMIT_MEGABYTES, 'more memory than the limit');
  assert.ok(
    migration_samples <= SAMPLES_OF_LAST_HOUR + SAMPLES_PER_HOUR * (1 + hours),
    'more samples than their limit',
  );
  for (const [table, number] of Object.entries(others))
    assert.ok(number <= ROWS_OF_TABLE, `${number} rows in ${table}`);
}

/** The rows of each table that has more than ten. */
function rowsOfStore(): Record<string, number> {
  using store = new DatabaseSync(join(folder, 'data', 'linkspan.db'), { readOnly: true });
  const tables = store.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const rows = tables.map(({ name }) => {
    const row = store.prepare(`SELECT count(*) AS number FROM ${name}`).get();
    return [String(name), Number(row?.number)] as const;
  });
  return Object.fromEntries(rows.filter(([, number]) => number > 10));
}
