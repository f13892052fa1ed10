import { setTimeout as delay } from 'node:timers/promises';
import { BSON, type MongoClient } from 'mongodb';
import { sendBatches } from '../raw-commands.ts';
import { DATABASE, startServers } from '../servers.ts';
import { change, fill } from './change.ts';
import { EndlessChanges } from './endless-changes.ts';
import { ask, startLinkspan } from './linkspan-client.ts';
import { Workload } from './workload.ts';

const FOLLOWED = 'followed';
/** Its changes wait, to measure how fast Linkspan applies them. */
const WAITING = 'waiting';
const PROBES = 'probes';
const DOCUMENTS = 50_000;
const HOT_DOCUMENTS = 50;
const DEFAULT_RATE = { lag: 5_000, hot: 3_000 } as const;
const SENT_EVERY_MS = 20;
const PROBED_EVERY_MS = 50;
const LOOK_EVERY_MS = 5;
/** Not counted: the compilers of JavaScript and the caches of the servers are still cold. */
const WARM_UP_MS = 3_000;
/** A lag that grows shows in the last part. */
const PARTS = 4;

interface LagSettings {
  /** Changes in a second; 5,000 of all kinds, or 3,000 of hot documents, by default. */
  readonly rate: number | undefined;
  /** The rate as a share of what Linkspan applies of waiting changes. */
  readonly share: number | undefined;
  readonly seconds: number;
  readonly verification: string;
}

/** One probe: when it was written, since the beginning, and how long after that it was on the destination. */
interface Sample {
  readonly sentMs: number;
  readonly lagMs: number;
}

/**
 * Measures the lag while changes come at a rate: a document of the source gets the time of day every 50 ms, and the destination is asked
 * for it every 5 ms. Prints how many changes really came.
 * @param kind  `lag`: 40 % inserts, 40 % `$set`, 10 % replaces, 10 % deletes. `hot`: `$inc` of 50 documents
 */
export async function measureLag(
  kind: 'lag' | 'hot',
  { rate, share, seconds, verification }: LagSettings,
): Promise<void> {
  await using pair = await startServers();
  const [source, destination] = [pair.source.client, pair.destination.client];
  const workload = new Workload(DOCUMENTS);
  await fill(source, FOLLOWED, workload.documents());
  if (share !== undefined) await fill(source, WAITING, workload.documents());
  await source.db(DATABASE).collection<{ _id: number }>(PROBES).insertOne({ _id: 0 });
  const linkspan = await startLinkspan(pair.source.uri, pair.destination.uri, verification);
  let wanted = rate ?? DEFAULT_RATE[kind];
  if (share !== undefined) {
    await ask(linkspan, { kind: 'pause' });
    await change(source, WAITING, workload.nextRound(DOCUMENTS), 'mixed');
    wanted = (share * DOCUMENTS) / (await ask(linkspan, { kind: 'apply', changes: DOCUMENTS }));
  }
  const over = new AbortController();
  const began = performance.now();
  const perTick = Math.max(1, Math.round((wanted * SENT_EVERY_MS) / 1_000));
  const sending = kind === 'lag' ? sendMixed(source, perTick, over.signal) : sendHot(source, perTick, over.signal);
  const probing = probe(source, over.signal);
  const samples = await watch(destination, began, WARM_UP_MS + seconds * 1_000);
  over.abort();
  const [sent] = await Promise.all([sending, probing]);
  const tookSeconds = (performance.now() - began) / 1_000;
  linkspan.kill();
  print(kind, samples, { wanted, reached: sent / tookSeconds, seconds });
}

/** @returns the number of changes */
async function sendMixed(client: MongoClient, perTick: number, over: AbortSignal): Promise<number> {
  const changes = new EndlessChanges(DOCUMENTS);
  return await atRate(perTick, over, async () => await changes.send(client, FOLLOWED, perTick));
}

/** @returns the number of changes */
async function sendHot(client: MongoClient, perTick: number, over: AbortSignal): Promise<number> {
  const update = Array.from({ length: HOT_DOCUMENTS }, (_, n) =>
    Buffer.from(BSON.serialize({ q: { _id: n }, u: { $inc: { hits: 1 } } })),
  );
  let next = 0;
  return await atRate(perTick, over, async () => {
    const statements = Array.from({ length: perTick }, () => update[next++ % HOT_DOCUMENTS] as Buffer);
    await sendBatches(client, FOLLOWED, 'update', [statements], 1);
  });
}

/** Calls regularly, and makes up for calls that took too long, so that the rate is reached where the servers can. @returns the number of changes */
async function atRate(perTick: number, over: AbortSignal, send: () => Promise<void>): Promise<number> {
  const began = performance.now();
  let ticks = 0;
  while (!over.aborted) {
    await send();
    ticks += 1;
    const aheadMs = began + ticks * SENT_EVERY_MS - performance.now();
    if (aheadMs > 0) await delay(aheadMs);
  }
  return ticks * perTick;
}

async function probe(client: MongoClient, over: AbortSignal): Promise<void> {
  const probes = client.db(DATABASE).collection<{ _id: number; at: number }>(PROBES);
  while (!over.aborted) {
    await probes.updateOne({ _id: 0 }, { $set: { at: performance.now() } }, { writeConcern: { w: 'majority' } });
    await delay(PROBED_EVERY_MS);
  }
}

/** Looks for the probe's latest value. Between two looks, all values but the latest one go unseen. */
async function watch(client: MongoClient, began: number, forMs: number): Promise<Sample[]> {
  const probes = client.db(DATABASE).collection<{ _id: number; at?: number }>(PROBES);
  const samples: Sample[] = [];
  let latest = 0;
  while (performance.now() < began + forMs) {
    const at = (await probes.findOne({ _id: 0 }, { readConcern: { level: 'majority' } }))?.at ?? 0;
    const now = performance.now();
    if (at > latest && at > began + WARM_UP_MS) samples.push({ sentMs: at - began, lagMs: now - at });
    latest = at;
    await delay(LOOK_EVERY_MS);
  }
  return samples;
}

function print(
  kind: string,
  samples: readonly Sample[],
  { wanted, reached, seconds }: { readonly wanted: number; readonly reached: number; readonly seconds: number },
): void {
  const partMs = (seconds * 1_000) / PARTS;
  const rows = Array.from({ length: PARTS }, (_, n) =>
    samples.filter(({ sentMs }) => Math.floor((sentMs - WARM_UP_MS) / partMs) === n),
  );
  const title = `lag, ${kind}: ${Math.round(reached)} changes/s, ${Math.round(wanted)} wanted, for ${seconds} s`;
  console.log(`\n${title}`);
  const table = [samples, ...rows].map((of, n) => ({
    part: n === 0 ? 'all' : `${n} of ${PARTS}`,
    'p50 (ms)': quantile(of, 0.5),
    'p95 (ms)': quantile(of, 0.95),
    'p99 (ms)': quantile(of, 0.99),
    'max (ms)': quantile(of, 1),
    samples: of.length,
  }));
  console.table(table);
  console.log(JSON.stringify({ title, wanted, reached, table }));
}

function quantile(samples: readonly Sample[], share: number): number {
  const sorted = samples.map(({ lagMs }) => lagMs).sort((a, b) => a - b);
  return Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN);
}
