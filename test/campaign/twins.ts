import { setTimeout as delay } from 'node:timers/promises';
import { type MongoClient, MongoServerError } from 'mongodb';
import { USER_WRITES_BLOCKED } from '../support/ledger-writer.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { EngineLives } from './engine-lives.ts';
import { MOMENTS, type Moment } from './fault.ts';
import type { RoundLog } from './round-log.ts';
import type { WriteStep } from './writer-loop.ts';

const CUSTOMERS = 200;
/** Customers who may get a second document with the same `_id`. No writer deletes them. */
const TWIN_IDS: readonly number[] = Array.from({ length: CUSTOMERS / 2 }, (_, n) => 2 * n);
/** Relative frequency of the moments at which two shards come to have one `_id`. */
const TWIN_MOMENTS: Readonly<Partial<Record<Moment, number>>> = { start: 3, copying: 2, 'in sync': 3, commit: 4 };
const REGIONS = ['asia', 'europe'] as const;
const LOOK_EVERY_MS = 100;

/** A second document with an `_id` that the other shard has. */
export interface Twin {
  readonly _id: number;
  readonly moment: Moment;
  readonly afterMs: number;
  /** Time from when the engine names it until one of both is deleted. */
  readonly lastsMs: number;
  readonly deletes: 'first' | 'second';
}

interface Customer {
  readonly _id: number;
  readonly region: (typeof REGIONS)[number];
  readonly n: number;
}

const customersOf = (client: MongoClient) => client.db('shop').collection<Customer>('customers');
/** The region of a customer's first document, and of the second one. */
const regionOf = (_id: number) => REGIONS[(_id >> 1) % 2 === 0 ? 0 : 1];
const otherRegion = (_id: number) => REGIONS[(_id >> 1) % 2 === 0 ? 1 : 0];

/** Twins of different documents, in the order of their moments. */
export function drawTwins(random: SeededRandom): Twin[] {
  const twins = random.sample(TWIN_IDS, random.pick([1, 1, 2])).map((_id): Twin => {
    const moment = random.weighted(TWIN_MOMENTS as Record<Moment, number>);
    const afterMs = random.integer(moment === 'commit' ? 400 : 2_000);
    return { _id, moment, afterMs, lastsMs: random.integer(4_000), deletes: random.pick(['first', 'second']) };
  });
  return twins.sort((a, b) => MOMENTS.indexOf(a.moment) - MOMENTS.indexOf(b.moment));
}

/** Fills `shop.customers`, which is sharded by region. */
export async function fillCustomers(client: MongoClient): Promise<void> {
  await customersOf(client).insertMany(
    Array.from({ length: CUSTOMERS }, (_, _id) => ({ _id, region: regionOf(_id), n: 0 })),
  );
}

/** Changes customers by the shard key and by `_id` alone, and deletes and creates some of them. */
export function changeCustomers(client: MongoClient, random: SeededRandom): WriteStep {
  const customers = customersOf(client);
  return async () => {
    const _id = random.integer(CUSTOMERS);
    const filter = { _id, region: regionOf(_id) };
    const lasts = _id % 2 === 0;
    switch (random.weighted({ change: 4, changeById: 2, put: 2, remove: 1 })) {
      case 'change':
        return await customers.updateOne(filter, { $inc: { n: 1 } });
      case 'changeById':
        return lasts ? undefined : await customers.updateOne({ _id }, { $inc: { n: 1 } });
      case 'put':
        return lasts ? undefined : await customers.updateOne(filter, { $inc: { n: 1 } }, { upsert: true });
      case 'remove':
        return lasts ? undefined : await customers.deleteOne(filter);
    }
  };
}

interface TwinWorld {
  readonly engine: EngineLives;
  readonly application: MongoClient;
  readonly log: RoundLog;
}

/**
 * Gives a customer a second document on the other shard, waits until the engine has named it, and deletes one of both. The
 * migration must not commit meanwhile.
 */
export async function placeTwin(world: TwinWorld, twin: Twin, ended: AbortSignal): Promise<void> {
  const { engine, log } = world;
  const over = new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve()));
  await Promise.race([engine.untilReached(twin.moment), over]);
  await delay(twin.afterMs, undefined, { signal: ended }).catch(() => undefined);
  if (!(await insertTwin(world, twin, ended))) return log.say(`not met: the twin of ${twin._id}`);
  log.say(`two shards have the _id ${twin._id}`);
  while (!ended.aborted && !isNamed(engine, twin)) await delay(LOOK_EVERY_MS);
  if (!ended.aborted) log.say(`the engine names the _id ${twin._id}`);
  await delay(twin.lastsMs, undefined, { signal: ended }).catch(() => undefined);
  if (ended.aborted) return log.find(`the migration ended although two shards have the _id ${twin._id}`);
  const region = twin.deletes === 'first' ? regionOf(twin._id) : otherRegion(twin._id);
  await untilAccepted(() => customersOf(world.application).deleteOne({ _id: twin._id, region }), ended);
  log.say(`the ${twin.deletes} document with the _id ${twin._id} is deleted`);
}

function isNamed({ latestInThisLife }: EngineLives, { _id }: Twin): boolean {
  const { waiting, warnings, notReadyReasons } = latestInThisLife ?? {};
  const told = JSON.stringify([waiting, warnings, notReadyReasons]);
  return told.includes('shop.customers') && told.includes(`_id ${_id} on two shards`);
}

/** @returns false when the migration ended before, or the source is blocked */
async function insertTwin({ application }: TwinWorld, { _id }: Twin, ended: AbortSignal): Promise<boolean> {
  const customers = customersOf(application);
  const region = otherRegion(_id);
  while (!ended.aborted) {
    try {
      await customers.insertOne({ _id, region, n: -1 });
      return true;
    } catch (error) {
      if (error instanceof MongoServerError && error.code === USER_WRITES_BLOCKED) return false;
      // An insert whose answer was lost is there. One shard may have both regions for a while, and refuses it then.
      const found = await customers.findOne({ _id, region }).catch(() => null);
      if (found !== null) return true;
      await delay(LOOK_EVERY_MS);
    }
  }
  return false;
}

async function untilAccepted(write: () => Promise<unknown>, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    const isAccepted = await write().then(
      () => true,
      () => false,
    );
    if (isAccepted) return;
    await delay(LOOK_EVERY_MS);
  }
}
