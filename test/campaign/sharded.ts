import { setTimeout as delay } from 'node:timers/promises';
import { fillModel } from '../engine/model/run-schedule.ts';
import { ChunkMover } from '../support/chunk-mover.ts';
import { differencesOfShards } from '../support/documents-on-shards.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { rolesOnSharded } from '../support/least-privilege.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import type { World } from './apply-fault.ts';
import { checkCommitted, checkFailed } from './check-end.ts';
import { type End, EngineLives } from './engine-lives.ts';
import { isThere } from './engine-process.ts';
import type { Fault } from './fault.ts';
import { placeFault } from './place-fault.ts';
import { checkReadiness } from './ready-check.ts';
import { fillRings } from './rings.ts';
import type { RoundReport } from './round.ts';
import type { RoundLog } from './round-log.ts';
import { shardedCatalog } from './sharded-catalog.ts';
import type { ShardedPlan } from './sharded-plan.ts';
import { fillSharded, MOVED, moveZones, ZONED } from './sharded-source.ts';
import { runTrials } from './trial-cutovers.ts';
import { changeCustomers, placeTwin } from './twins.ts';
import { applicationOf, createUsers, uriOf, uriOfRouters } from './users.ts';
import { WriterLoop } from './writer-loop.ts';
import { startWriters } from './writers.ts';
import { writersRest } from './writers-rest.ts';

const CUSTOMER_EVERY_MS = 30;
const CATALOG_EVERY_MS = 1_500;
const ZONES_EVERY_MS = 3_000;
/** Without it, moves take all of a small machine's time. */
const BETWEEN_MOVES_MS = 150;

/**
 * Migrates a sharded cluster into a replica set, while its chunks move and its servers, its routers and the engine are
 * killed. In some rounds, two shards come to have one `_id`.
 */
export async function runSharded(plan: ShardedPlan, log: RoundLog): Promise<RoundReport> {
  await using resources = new AsyncDisposableStack();
  // Documents that expire on one side only are no finding.
  const setParameters = { ttlMonitorEnabled: false };
  const source = resources.use(await startShardedCluster({ auth: true, routers: 2, setParameters }));
  const destination = resources.use(await startReplicaSet({ auth: true, members: plan.members, setParameters }));
  const usual = { bytesPerSecond: plan.bytesPerSecond };
  const startProxy = async (port: number) => {
    const proxy = resources.use(await startFaultProxy(port));
    proxy.set(usual);
    return proxy;
  };
  await createUsers(source, 'source', { roles: await rolesOnSharded(source), ofApplication: ['clusterManager'] });
  await createUsers(destination, 'destination');
  const ports = source.routers.map(({ port }) => port);
  const ofRouters = plan.proxied.source ? await Promise.all(ports.map(startProxy)) : [];
  const ofDestination = plan.proxied.destination ? await startProxy((await destination.primary()).port) : undefined;
  const addresses = {
    source: uriOfRouters(plan.proxied.source ? ofRouters.map(({ port }) => port) : ports),
    destination: uriOf(destination, 'destination', ofDestination?.port),
  };
  await fillSharded(source, plan);
  await fillModel(source.client, 0);
  await fillRings(source.client);
  log.say('the source is filled');

  const application = resources.use(applicationOf(source));
  const onDestination = resources.use(applicationOf(destination));
  const engine = resources.use(new EngineLives(addresses, { hooks: plan.hooks, catalogStandsStill: false }, log));
  log.outputOfEngines = () => engine.output;
  const rests = writersRest(() => engine.latestInThisLife, log);
  const ofSharded = { ...plan, sharded: true };
  const writers = resources.use(await startWriters([application, onDestination], ofSharded, log, rests));
  const random = new SeededRandom(plan.seed);
  const customers = new WriterLoop(changeCustomers(application, random), CUSTOMER_EVERY_MS, rests);
  const names = source.shards.map(({ name }) => name);
  const changeCatalog = shardedCatalog(application, names, random);
  const catalog = plan.reshards ? new WriterLoop(changeCatalog, CATALOG_EVERY_MS, rests) : undefined;
  const moving = startMoving(source, plan);
  const stop = async () => void (await Promise.all([customers.stop(), catalog?.stop(), moving.stop()]));
  resources.defer(stop);

  const worldOf = ({ place = 0 }: Pick<Fault, 'place'>): World => {
    const servers = [...source.shards, source.config];
    const server = servers[place % servers.length] ?? source.config;
    const proxy = ofRouters[place % ports.length];
    return {
      sets: { source: server, destination },
      router: source.routers[place % ports.length],
      proxies: { ...(proxy && { source: proxy }), ...(ofDestination && { destination: ofDestination }) },
      usual,
      engine,
      log,
      application,
      unstopped: [],
    };
  };
  const ended = new AbortController();
  const { signal } = ended;
  const faults = plan.faults.map((fault) => placeFault(worldOf(fault), fault, signal));
  const twins = placeTwins(plan, { engine, application, log }, signal);
  const followed = followThenCutOver();
  const { acknowledged } = writers;
  const checked = checkReadiness(engine, { acknowledged, destination: destination.client }, log, signal);
  let end: End;
  try {
    end = await engine.run((failure) => checkFailed({ sets: { source, destination }, log }, application, failure));
  } finally {
    ended.abort();
    await Promise.all([...faults, ...twins, followed, checked]);
  }
  log.say(`the migration ended: ${JSON.stringify(end)}`);
  await engine.settleFormer();
  await Promise.all([writers.stop(), stop()]);
  await source.setBalancer(false);
  const moves = await source.client.db('config').collection('changelog').countDocuments({ what: 'moveChunk.commit' });
  log.say(
    `${moves} chunks were moved; accepted: ${customers.accepted} of customers, ${catalog?.accepted ?? 0} of sharded collections`,
  );
  const documents = end === 'committed' ? await checkEnd() : 0;
  await engine[Symbol.asyncDispose]();
  for (const pid of engine.pids) if (isThere(pid)) log.find(`process ${pid} still runs`);
  return { end: `${JSON.stringify(end)}, ${moves} moves`, documents, longestStillMs: engine.longestStillMs };

  /** Requests the cutover after some time of following, and after the faults and twins that are planned before it. */
  async function followThenCutOver(): Promise<void> {
    const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    await Promise.race([engine.untilReached('in sync'), over]);
    const world = { engine, application, source: source.client, log, isCurrent: () => true };
    const tried = runTrials(world, plan.trials, signal);
    await delay(plan.followMs, undefined, { signal }).catch(() => undefined);
    await tried;
    const before = [
      ...faults.filter((_, n) => plan.faults[n]?.moment !== 'commit'),
      ...twins.filter((_, n) => plan.twins[n]?.moment !== 'commit'),
    ];
    await Promise.race([Promise.all(before), over]);
    if (!plan.catalogUntilEnd) await Promise.all([writers.stopCatalog(), catalog?.stop()]);
    engine.wantCutover();
  }

  async function checkEnd(): Promise<number> {
    const world = { sets: { source, destination }, engine, application, log, unstopped: [] };
    const compared = await checkCommitted(world, writers, { selection: false });
    const except = writers.ledger.snapshot().writtenOnDestination;
    for (const text of await differencesOfShards(source, destination.client, except)) log.find(text);
    return compared;
  }
}

/** Moves chunks, and has the balancer move others if it is on, until it is stopped. */
function startMoving(source: ShardedCluster, { balancer }: ShardedPlan): { stop(): Promise<void> } {
  const moved = balancer ? MOVED.filter((namespace) => namespace !== ZONED) : MOVED;
  const mover = new ChunkMover(source.client, moved, BETWEEN_MOVES_MS);
  if (!balancer) return mover;
  const zones = new WriterLoop(moveZones(source), ZONES_EVERY_MS);
  return { stop: async () => void (await Promise.all([mover.stop(), zones.stop()])) };
}

/** Places the twins one after the other: while one quarantines its collection, the engine doesn't look for the next. */
function placeTwins(
  { twins }: ShardedPlan,
  world: Parameters<typeof placeTwin>[0],
  signal: AbortSignal,
): Promise<void>[] {
  let before: Promise<void> = Promise.resolve();
  return twins.map((twin) => {
    before = before.then(() => placeTwin(world, twin, signal));
    return before;
  });
}
