import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { fillModel } from '../engine/model/run-schedule.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { startLedgerWriter } from '../support/ledger-writer.ts';
import { type ReplicaSet, startPair } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { AcknowledgedWriter } from './acknowledged-writer.ts';
import { applyFault, type World } from './apply-fault.ts';
import { CatalogWriter } from './catalog-writer.ts';
import { checkCommitted, checkFailed } from './check-end.ts';
import { type End, EngineLives } from './engine-lives.ts';
import type { Fault } from './fault.ts';
import type { Plan, Side } from './plan.ts';
import type { RoundLog } from './round-log.ts';

const USERS = {
  source: { name: 'reader', roles: ['backup', 'readAnyDatabase', 'clusterMonitor'] },
  destination: { name: 'writer', roles: ['restore', 'readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor'] },
};
const PASSWORD = 'secret';

export interface RoundReport {
  readonly end: End;
  /** Compared. */
  readonly documents: number;
  /** For how long nothing moved at most, with no fault meanwhile. */
  readonly longestStillMs: number;
}

/** One migration from start to end, with everything that the plan has for it. What must not be goes to the log. */
export async function runRound(plan: Plan, log: RoundLog): Promise<RoundReport> {
  await using resources = new AsyncDisposableStack();
  const usual = { bytesPerSecond: plan.bytesPerSecond };
  const pair = resources.use(
    await startPair({
      source: {
        auth: true,
        members: plan.members.source,
        oplogSizeMegabytes: plan.oplogMegabytes,
        // The oplog is cut only up to the last checkpoint of the storage.
        ...(plan.oplogMegabytes < 100 ? { mongodArgs: ['--syncdelay', '1'] } : {}),
      },
      destination: {
        auth: true,
        members: plan.members.destination,
        // After the cutover documents expire there, and on the blocked source they do not: that is no difference.
        setParameters: { ttlMonitorEnabled: false },
      },
    }),
  );
  const proxies: Partial<Record<Side, FaultProxy>> = {};
  const addresses = { source: '', destination: '' };
  for (const side of ['source', 'destination'] as const) {
    const { name, roles } = USERS[side];
    await pair[side].createUser(name, PASSWORD, roles);
    await pair[side].createUser('app', PASSWORD, ['readWriteAnyDatabase', 'dbAdminAnyDatabase']);
    addresses[side] = pair[side].uriFor(name, PASSWORD);
    if (!plan.proxied[side]) continue;
    const proxy = resources.use(await startFaultProxy((await pair[side].primary()).port));
    proxy.set(usual);
    proxies[side] = proxy;
    addresses[side] = `mongodb://${name}:${PASSWORD}@127.0.0.1:${proxy.port}/?directConnection=true&authSource=admin`;
  }
  await fill(pair.source, plan);
  log.say('the source is filled');

  const applications = await Promise.all(
    [pair.source, pair.destination].map((set) => new MongoClient(set.uriFor('app', PASSWORD)).connect()),
  );
  for (const client of applications) resources.use(client);
  const [application] = applications;
  if (application === undefined) throw new Error('a client is missing');
  const writer = resources.use(
    await startLedgerWriter({
      clients: applications,
      namespaces: ['shop.a', 'shop.b'],
      seed: plan.seed,
      ratePerSecond: plan.writesPerSecond,
    }),
  );
  const acknowledged = new AcknowledgedWriter(application, new SeededRandom(plan.seed + 1));
  resources.defer(() => acknowledged.stop());
  const catalog = new CatalogWriter(application, new SeededRandom(plan.seed + 2), plan);
  resources.defer(() => catalog.stop());

  const engine = resources.use(new EngineLives(addresses, plan.hooks, log, plan.catalogStandsStill));
  log.outputOfEngines = () => engine.output;
  const world: World = { sets: pair, proxies, usual, engine, log };
  const ended = new AbortController();
  const faults = plan.faults.map((fault) => placeFault(world, fault, ended.signal));
  const cutover = followThenCutOver(plan, engine, catalog, faults, ended.signal);
  let end: End;
  try {
    end = await engine.run((failure) => checkFailed(world, application, failure));
  } finally {
    ended.abort();
    await Promise.all(faults);
    await cutover;
  }
  log.say(`the migration ended: ${JSON.stringify(end)}`);
  await engine.settleFormer();
  await Promise.all([acknowledged.stop(), catalog.stop()]);
  const ledger = await writer.stop();
  log.say(
    `${ledger.documentsWritten} documents written, ${acknowledged.acknowledged} acknowledged one by one, ${catalog.accepted} by the catalog's writer`,
  );
  const documents = end === 'committed' ? await checkCommitted(world, application, ledger, acknowledged, catalog) : 0;
  await engine[Symbol.asyncDispose]();
  for (const pid of engine.pids) if (isThere(pid)) log.find(`process ${pid} is still there`);
  return { end, documents, longestStillMs: engine.longestStillMs };
}

async function fill(source: ReplicaSet, plan: Plan): Promise<void> {
  for (const name of ['a', 'b', 'c']) {
    const collection = source.client.db('shop').collection(name);
    const text = 'x'.repeat(plan.documentBytes);
    await collection.insertMany(Array.from({ length: plan.documents }, (_, n) => ({ n, name, text })));
    await collection.createIndex({ n: 1, _id: 1 }, { unique: true });
    await collection.createIndex({ at: 1 }, { expireAfterSeconds: 1_000_000_000 });
  }
  await fillModel(source.client, 0);
}

async function placeFault(world: World, fault: Fault, ended: AbortSignal): Promise<void> {
  const over = new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve()));
  await Promise.race([world.engine.untilReached(fault.moment), over]);
  await delay(fault.afterMs, undefined, { signal: ended }).catch(() => undefined);
  if (ended.aborted) world.log.say(`not met: ${fault.kind} at ${fault.moment}`);
  else await applyFault(world, fault);
}

/** Asks for the cutover when it has been followed for a while, and when what is planned for before it has ended. */
async function followThenCutOver(
  plan: Plan,
  engine: EngineLives,
  catalog: CatalogWriter,
  faults: readonly Promise<void>[],
  ended: AbortSignal,
): Promise<void> {
  const over = new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve()));
  await Promise.race([engine.untilReached('in step'), over]);
  await delay(plan.followMs, undefined, { signal: ended }).catch(() => undefined);
  await Promise.race([Promise.all(faults.filter((_, index) => plan.faults[index]?.moment !== 'commit')), over]);
  if (!plan.catalogUntilEnd) await catalog.stop();
  engine.wantCutover();
}

function isThere(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}
