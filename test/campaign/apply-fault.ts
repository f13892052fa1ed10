import { setTimeout as delay } from 'node:timers/promises';
import { type MongoClient, MongoServerError } from 'mongodb';
import { eventually } from '../support/eventually.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import type { ReplicaSet } from '../support/replica-set.ts';
import { restartKilled } from '../support/restart-killed.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import type { RunningRouter } from '../support/sharded-cluster.ts';
import { AcknowledgedWriter } from './acknowledged-writer.ts';
import type { EngineLives } from './engine-lives.ts';
import type { Fault } from './fault.ts';
import { lagBehind } from './lag-behind.ts';
import type { Side } from './plan.ts';
import { rollBack } from './roll-back.ts';
import type { RoundLog } from './round-log.ts';

/** The parts of a round that its faults affect. */
export interface World {
  readonly sets: Readonly<Record<Side, ReplicaSet>>;
  /** The router of a sharded source that the fault `router` kills. */
  readonly router?: RunningRouter | undefined;
  readonly proxies: Readonly<Partial<Record<Side, FaultProxy>>>;
  /** The behaviour of the proxies without a fault. */
  readonly usual: { readonly bytesPerSecond?: number };
  readonly engine: EngineLives;
  readonly log: RoundLog;
  /** Connected to the source as a user whom the write block refuses. */
  readonly application: MongoClient;
  /** Writers of the faults `bypass` and `late`, which the cutover does not stop. */
  readonly unstopped: AcknowledgedWriter[];
}

/** The database of the writers that the cutover does not stop. */
export const UNSTOPPED = 'unstopped';

const LOOK_EVERY_MS = 20;
const LONGEST_BYPASS_MS = 120_000;
const LONGEST_DRAIN_MS = 30_000;
const SLOW = { latencyMs: 60, bytesPerSecond: 150_000 };
/** So that some losses of a majority outlast the term of their primary. */
const TIMES_LONGER = 4;
/** Larger than the small oplog. */
const FILLER_BYTES = 40_000_000;
const FILLER_BATCH = 1_000_000;
/** Longer than any fault at the same time. */
const ANSWERS_WITHIN_MS = 60_000;

/** Runs a fault from its start to its end. Logs and skips steps that are impossible at that moment. */
export async function applyFault(world: World, fault: Fault): Promise<void> {
  const { log } = world;
  using _ = log.fault(fault);
  try {
    await apply(world, fault);
  } catch (error) {
    log.say(`the fault ${fault.kind} was cut short: ${error}`);
  }
}

async function apply(world: World, fault: Fault): Promise<void> {
  const { sets, proxies, usual, engine, log } = world;
  const set = sets[fault.side];
  switch (fault.kind) {
    case 'kill':
      return engine.end('killed');
    case 'terminate':
      return engine.end('terminated');
    case 'freeze': {
      using _ = engine.freeze();
      return await delay(fault.lastsMs);
    }
    case 'zombie': {
      using _ = engine.supersede();
      return await delay(fault.lastsMs);
    }
    case 'pause': {
      await using _ = await engine.pause();
      return await delay(fault.lastsMs);
    }
    case 'stepDown':
      return await set.stepDown();
    case 'restart': {
      const member = await set.primary();
      await member.kill();
      await delay(fault.lastsMs / 2);
      if (await restartKilled(member, set)) log.say('a newer release had to recover the killed member');
      await set.primary();
      return;
    }
    case 'minority':
      return await loseMajority(set, fault.lastsMs);
    case 'refuse':
    case 'history':
    case 'full': {
      const data = { ...fault.data, appName: `linkspan-${fault.side}` };
      await set.failCommand({ mode: fault.times === undefined ? 'alwaysOn' : { times: fault.times }, data });
      await delay(fault.lastsMs);
      return await set.clearFailPoints();
    }
    case 'cut':
      return await throughProxy(proxies[fault.side], fault, (proxy) => proxy.cut(), usual);
    case 'slow':
      return await throughProxy(proxies[fault.side], fault, (proxy) => proxy.set(SLOW), usual);
    case 'blackHole':
      return await throughProxy(proxies[fault.side], fault, (proxy) => proxy.set({ blackHole: true }), usual);
    case 'overrun': {
      using _ = engine.freeze();
      return await overrunOplog(set);
    }
    case 'rollBack':
      return await rollBack(set, fault.change ?? 'drop', fault.lastsMs);
    case 'lag':
      return await lagBehind(set, fault.lastsMs);
    case 'bypass':
      return await bypass(world, fault);
    case 'late':
      return await writeLate(world, fault);
    case 'router':
      await world.router?.kill();
      await delay(fault.lastsMs / 2);
      return await world.router?.restart();
  }
}

/** The primary stays one for about 10 s, and no write reaches a majority meanwhile. */
async function loseMajority(set: ReplicaSet, lastsMs: number): Promise<void> {
  const primary = await set.primary();
  const others = set.members.filter((member) => member !== primary);
  if (others.length === 0) throw new Error('there is no majority to lose');
  // 6.0.5 may be unable to start again after a kill (docs/reference/mongodb-behaviour.md#fact-8-18).
  await Promise.all(others.map((member) => member.kill('SIGTERM')));
  await delay(TIMES_LONGER * lastsMs);
  for (const member of others) await member.restart();
  await set.primary();
}

/** Writes as a user who bypasses the block, at most until the migration has committed. */
async function bypass(world: World, fault: Fault): Promise<void> {
  const { engine, sets } = world;
  const writer = startUnstopped(world, sets.source.client, fault);
  const lastMs = performance.now() + LONGEST_BYPASS_MS;
  let endMs: number | undefined;
  while (performance.now() < (endMs ?? lastMs) && engine.latest?.canWrite !== true) {
    if (engine.latest?.cutover?.sourceBlockedAt !== undefined) endMs ??= performance.now() + fault.lastsMs;
    await delay(LOOK_EVERY_MS);
  }
  await writer.stop();
}

async function writeLate(world: World, fault: Fault): Promise<void> {
  const { engine, application } = world;
  const lastMs = performance.now() + LONGEST_DRAIN_MS;
  while (fault.afterDrain === true && !engine.standsStill && performance.now() < lastMs) await delay(LOOK_EVERY_MS);
  const writer = startUnstopped(world, application, fault);
  await delay(fault.lastsMs);
  await writer.stop();
}

function startUnstopped({ unstopped }: World, client: MongoClient, { afterMs, everyMs }: Fault): AcknowledgedWriter {
  const collection = `writer${unstopped.length}`;
  const random = new SeededRandom(afterMs);
  const writer = new AcknowledgedWriter(client, random, { database: UNSTOPPED, collection, everyMs });
  unstopped.push(writer);
  return writer;
}

async function throughProxy(
  proxy: FaultProxy | undefined,
  { lastsMs }: Fault,
  begin: (proxy: FaultProxy) => void,
  usual: World['usual'],
): Promise<void> {
  if (proxy === undefined) return;
  begin(proxy);
  await delay(lastsMs);
  proxy.set(usual);
  proxy.restore();
}

/** Writes until the oldest entry of the oplog is newer than the start. Removes these documents, even when another fault interrupts it. */
async function overrunOplog({ client }: ReplicaSet): Promise<void> {
  const oplog = client.db('local').collection('oplog.rs');
  const oldest = async () => (await oplog.find().sort({ $natural: 1 }).limit(1).project({ ts: 1 }).next())?.ts;
  const now = async () => (await client.db('admin').command({ hello: 1 })).operationTime;
  const filler = client.db('filler').collection('filler');
  // A server that is restarting does not report its time.
  const began = await eventually(now, { what: 'a server that reports its time', deadlineMs: ANSWERS_WITHIN_MS });
  try {
    for (let bytes = 0; bytes < 10 * FILLER_BYTES; bytes += FILLER_BATCH) {
      await filler.insertOne({ text: 'x'.repeat(FILLER_BATCH) }).catch((error: unknown) => {
        if (error instanceof MongoServerError) return;
        throw error;
      });
      if (bytes >= FILLER_BYTES && (await oldest()).greaterThan(began)) break;
    }
  } finally {
    const drop = async () => {
      await filler.drop();
      return true;
    };
    await eventually(drop, { what: 'a server that drops the filler', deadlineMs: ANSWERS_WITHIN_MS });
  }
}
