import { setTimeout as delay } from 'node:timers/promises';
import { fillModel } from '../engine/model/run-schedule.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { type ReplicaSet, startPair } from '../support/replica-set.ts';
import { applyFault, type World } from './apply-fault.ts';
import { catalogRest } from './catalog-rest.ts';
import { checkCommitted, checkFailed } from './check-end.ts';
import { type End, EngineLives } from './engine-lives.ts';

import type { Fault } from './fault.ts';
import type { Plan, Side } from './plan.ts';
import { checkReadiness } from './ready-check.ts';
import { fillRings } from './rings.ts';
import { fillRolledBack } from './roll-back.ts';
import type { RoundLog } from './round-log.ts';
import { SELECTED } from './selected.ts';
import { runTrials, type TrialCutover } from './trial-cutovers.ts';
import { applicationOf, createUsers, uriOf } from './users.ts';
import { startWriters, type Writers } from './writers.ts';

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
    if (!plan.proxied[side]) continue;
    const proxy = resources.use(await startFaultProxy((await pair[side].primary()).port));
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
    new EngineLives(addresses, { hooks: plan.hooks, catalogStandsStill }, log, plan.selection ? SELECTED : {}),
  );
  log.outputOfEngines = () => engine.output;
  const catalogRests = catalogRest(() => engine.latestInThisLife, log);
  const writers = resources.use(await startWriters([application, onDestination], plan, log, catalogRests));
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
  const documents = end === 'committed' ? await checkCommitted(world, writers, plan) : 0;
  await engine[Symbol.asyncDispose]();
  for (const pid of engine.pids) if (isThere(pid)) log.find(`process ${pid} still runs`);
  return { end: JSON.stringify(end), documents, longestStillMs: engine.longestStillMs };
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
  await fillRings(source.client);
  await fillRolledBack(source.client);
}

async function placeFault(world: World, fault: Fault, ended: AbortSignal): Promise<void> {
  const over = new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve()));
  await Promise.race([world.engine.untilReached(fault.moment), over]);
  await delay(fault.afterMs, undefined, { signal: ended }).catch(() => undefined);
  if (ended.aborted) world.log.say(`not met: ${fault.kind} at ${fault.moment}`);
  else await applyFault(world, fault);
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
  // A cutover of a selection fails while somebody writes to it.
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

function isThere(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}
