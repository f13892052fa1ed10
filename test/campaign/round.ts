import { setTimeout as delay } from 'node:timers/promises';
import { UUID } from 'mongodb';
import { fillModel } from '../engine/model/run-schedule.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { type ReplicaSet, startPair } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import type { World } from './apply-fault.ts';
import { checkCommitted, checkFailed } from './check-end.ts';
import { type End, EngineLives } from './engine-lives.ts';
import { isThere } from './engine-process.ts';
import { placeFault } from './place-fault.ts';
import type { Plan, Side } from './plan.ts';
import { checkReadiness } from './ready-check.ts';
import { fillRings } from './rings.ts';
import { fillRolledBack } from './roll-back.ts';
import type { RoundLog } from './round-log.ts';
import { SELECTED } from './selected.ts';
import { runTrials, type TrialCutover } from './trial-cutovers.ts';
import { applicationOf, createUsers, portOf, uriOf } from './users.ts';
import { startWriters, type Writers } from './writers.ts';
import { writersRest } from './writers-rest.ts';

const RANDOM_IDS = { documents: 4_000, bytes: 4_600 };

export interface RoundReport {
  readonly end: string;
  /** Number of compared documents. */
  readonly documents: number;
  /** Longest time without progress and without a fault. */
  readonly longestStillMs?: number;
}

/** Runs one migration from start to end, with the writers and faults of the plan. Findings go to the log. */
export async function runRound(plan: Plan, log: RoundLog): Promise<RoundReport> {
  await using resources = new AsyncDisposableStack();
  const usual = { bytesPerSecond: plan.bytesPerSecond };
  const pair = resources.use(
    await startPair({
      source: {
        auth: true,
        members: plan.members.source,
        oplogSizeMegabytes: plan.oplogMegabytes,
        // The server truncates the oplog only up to the last checkpoint of the storage engine.
        ...(plan.oplogMegabytes < 100 ? { mongodArgs: ['--syncdelay', '1'] } : {}),
        // Documents would expire on a source that isn't blocked, after the cutover. That is not a finding.
        ...(plan.selection ? { setParameters: { ttlMonitorEnabled: false } } : {}),
      },
      destination: {
        auth: true,
        members: plan.members.destination,
        // After the cutover documents expire on the destination, but not on the blocked source. That is not a finding.
        setParameters: { ttlMonitorEnabled: false },
      },
    }),
  );
  const proxies: Partial<Record<Side, FaultProxy>> = {};
  const addresses = { source: '', destination: '' };
  for (const side of ['source', 'destination'] as const) {
    await createUsers(pair[side], side);
    addresses[side] = uriOf(pair[side], side);
    if (side === 'source' && plan.readsSecondaries) addresses[side] += '&readPreference=secondaryPreferred';
    if (!plan.proxied[side]) continue;
    const proxy = resources.use(await startFaultProxy(portOf(pair[side], await pair[side].primary())));
    proxy.set(usual);
    proxies[side] = proxy;
    addresses[side] = uriOf(pair[side], side, proxy.port);
  }
  await fill(pair.source, plan);
  log.say('the source is filled');

  const application = resources.use(applicationOf(pair.source));
  const onDestination = resources.use(applicationOf(pair.destination));
  const catalogStandsStill = plan.catalogStandsStill && plan.faults.every(({ kind }) => kind !== 'rollBack');
  const engine = resources.use(
    new EngineLives(
      addresses,
      { hooks: plan.hooks, catalogStandsStill, sourceMembers: plan.members.source },
      log,
      plan.selection ? SELECTED : {},
    ),
  );
  log.outputOfEngines = () => engine.output;
  const rests = writersRest(() => engine.latestInThisLife, log);
  const writers = resources.use(await startWriters([application, onDestination], plan, log, rests));
  const world: World = { sets: pair, proxies, usual, engine, log, application, unstopped: [] };
  const ended = new AbortController();
  const faults = plan.faults.map((fault) => placeFault(world, fault, ended.signal));
  const cutover = followThenCutOver(plan, world, writers, faults, ended.signal);
  const { acknowledged } = writers;
  const checked = checkReadiness(engine, { acknowledged, destination: pair.destination.client }, log, ended.signal);
  let end: End;
  try {
    end = await engine.run((failure) => checkFailed(world, application, failure));
  } finally {
    ended.abort();
    await Promise.all(faults);
    await cutover;
    await checked;
  }
  log.say(`the migration ended: ${JSON.stringify(end)}`);
  await engine.settleFormer();
  await writers.stop();
  // The comparison opens the source, where documents would then expire.
  if (end === 'committed') await pair.source.client.db('admin').command({ setParameter: 1, ttlMonitorEnabled: false });
  const documents = end === 'committed' ? await checkCommitted(world, writers, plan) : 0;
  const partitions = pair.destination.client.db('linkspan_internal').collection('partitions');
  log.say(`${await partitions.countDocuments({ natural: { $exists: true } })} collections were read in natural order`);
  await engine[Symbol.asyncDispose]();
  for (const pid of engine.pids) if (isThere(pid)) log.find(`process ${pid} still runs`);
  return { end: JSON.stringify(end), documents, longestStillMs: engine.longestStillMs };
}

async function fill(source: ReplicaSet, plan: Plan): Promise<void> {
  if (plan.randomIds) await fillRandomIds(source, plan.seed);
  for (const name of ['a', 'b', 'c']) {
    const collection = source.client.db('shop').collection(name);
    const text = 'x'.repeat(plan.documentBytes);
    await collection.insertMany(Array.from({ length: plan.documents }, (_, n) => ({ n, name, text })));
    await collection.createIndex({ n: 1, _id: 1 }, { unique: true });
    await collection.createIndex({ at: 1 }, { expireAfterSeconds: 1_000_000_000 });
  }
  await fillModel(source.client, 0);
  await fillRings(source.client);
  await fillRolledBack(source.client);
}

/** Makes the first collection larger than the source's cache, with ids in random order. */
async function fillRandomIds(source: ReplicaSet, seed: number): Promise<void> {
  for (const member of source.members) {
    const client = source.clientOf(member);
    await client.db('admin').command({ setParameter: 1, wiredTigerEngineRuntimeConfig: 'cache_size=16MB' });
    await client.close();
  }
  const random = new SeededRandom(seed);
  const documents = Array.from({ length: RANDOM_IDS.documents }, (_, n) => ({
    _id: new UUID(random.bytes(16)) as never,
    n: -n - 1,
    text: random.bytes(RANDOM_IDS.bytes),
  }));
  await source.client.db('shop').collection('a').insertMany(documents);
}

/** Requests the cutover after some time of following, after its trials, and after the faults that are planned before it. */
async function followThenCutOver(
  plan: Plan,
  world: World,
  writers: Writers,
  faults: readonly Promise<void>[],
  ended: AbortSignal,
): Promise<void> {
  const { engine, application, sets, log } = world;
  const over = new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve()));
  const tryOut = (trials: readonly TrialCutover[]) =>
    runTrials({ engine, application, source: sets.source.client, log, isCurrent: () => true }, trials, ended);
  await Promise.race([engine.untilReached('in sync'), over]);
  // A cutover of a selection fails while another client writes to it.
  const whileWritten = plan.trials.filter(({ kind }) => !plan.selection || kind === 'rehearsal');
  const tried = tryOut(whileWritten);
  await delay(plan.followMs, undefined, { signal: ended }).catch(() => undefined);
  await tried;
  if (plan.selection && whileWritten.length < plan.trials.length) {
    await writers.stopSelected();
    await tryOut(plan.trials.filter(({ kind }) => kind === 'abort'));
  }
  await Promise.race([Promise.all(faults.filter((_, index) => plan.faults[index]?.moment !== 'commit')), over]);
  if (!plan.catalogUntilEnd) await writers.stopCatalog();
  if (plan.selection) await writers.stopSelected();
  engine.wantCutover();
}
