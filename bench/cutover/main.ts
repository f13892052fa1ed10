import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import type { CutoverAttempt } from '../../src/contract/index.ts';
import { cleanUpAtExit } from '../../test/support/exit-cleanup.ts';
import { LEAST_ROLES } from '../../test/support/least-privilege.ts';
import { type ReplicaSet, startPair } from '../../test/support/replica-set.ts';
import { percentile } from '../api/load.ts';
import { spreadOf, timed } from '../rounds.ts';
import { DATABASE, settle } from '../servers.ts';
import { loadLargeCollections } from './large-collections.ts';
import type { CutOver } from './linkspan-process.ts';
import { Writers } from './writers.ts';

/**
 * `npm run bench:cutover -- [--cutovers 20] [--rates 500,5000] [--members 1|3] [--gigabytes 5]`: cuts over between two sets while clients write, in
 * turn at each rate, and shows the write pause that the clients saw, the time from the request to the end, and the share of each step. With
 * `--gigabytes`, the migration also has so much in a capped collection, a time series, and collections with a unique and a TTL index each.
 */
interface Measured {
  readonly rate: number;
  readonly writesPerSecond: number;
  readonly pauseMs: number;
  readonly requestToEndMs: number;
  readonly attempts: readonly CutoverAttempt[];
}

/** From the readiness to the request, as an operator looks at the migration before. */
const READY_FOR_MS = 5_000;

const { values } = parseArgs({
  options: {
    cutovers: { type: 'string', default: '20' },
    rates: { type: 'string', default: '500,5000' },
    members: { type: 'string', default: '3' },
    gigabytes: { type: 'string', default: '0' },
  },
});
const rates = values.rates.split(',').map(Number);
const options = {
  members: values.members === '1' ? 1 : 3,
  auth: true,
  cacheGigabytes: 0.5,
  oplogSizeMegabytes: 1_024,
} as const;
await using pair = await startPair({ source: options, destination: options });
const sets = [pair.source, pair.destination] as const;
await using applications = new AsyncDisposableStack();
const clients = [];
for (const set of sets) {
  await set.createUser('linkspan', 'secret', [...new Set([...LEAST_ROLES.source, ...LEAST_ROLES.destination])]);
  await set.createUser('app', 'secret', [{ role: 'readWrite', db: DATABASE }]);
  clients.push(applications.use(await MongoClient.connect(set.uriFor('app', 'secret'))));
}
const writers = new Writers(clients, rates[0] ?? 0);
await writers.load();
if (Number(values.gigabytes) > 0) await loadLargeCollections(pair.source.client, Number(values.gigabytes));
const writing = writers.run();
const measured: Measured[] = [];
let from = 0;
for (let n = 1; n <= Number(values.cutovers); n += 1) {
  for (const rate of rates) {
    writers.writesPerSecond = rate;
    measured.push(await cutOver(rate, from));
    from = 1 - from;
    const { pauseMs, requestToEndMs } = measured.at(-1) ?? { pauseMs: 0, requestToEndMs: 0 };
    console.error(
      `cutover ${n} at ${rate} writes/s: pause ${Math.round(pauseMs)} ms, ${Math.round(requestToEndMs)} ms in all`,
    );
  }
}
writers.stop();
await writing;
for (const rate of rates) report(rate);

/** Migrates to the other set, which is emptied first, and cuts over. */
async function cutOver(rate: number, side: number): Promise<Measured> {
  const [source, destination] = [sets[side], sets[1 - side]];
  if (source === undefined || destination === undefined) throw new Error('a set is missing');
  await empty(destination);
  const program = new URL('linkspan-process.ts', import.meta.url);
  const uris = [source, destination].map((set) => set.uriFor('linkspan', 'secret'));
  const child = fork(program, uris);
  cleanUpAtExit(() => child.kill('SIGKILL'));
  await answer(child);
  const [writtenBefore, beganMs] = [writers.written, performance.now()];
  await seen(() => performance.now() - beganMs > READY_FOR_MS);
  const writesPerSecond = ((writers.written - writtenBefore) * 1_000) / (performance.now() - beganMs);
  writers.takePause();
  let attempts: readonly CutoverAttempt[] = [];
  const requestToEndMs =
    1_000 *
    (await timed(async () => {
      child.send('cut over');
      ({ attempts } = await answer(child));
    }));
  const exited = once(child, 'exit');
  child.kill();
  await exited;
  const pauseMs = await seen(() => writers.takePause());
  return { rate, writesPerSecond, pauseMs, requestToEndMs, attempts };
}

/** Opens a set that a cutover has left blocked, and empties it. */
async function empty({ client }: ReplicaSet): Promise<void> {
  await client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
  await settle(client);
}

async function answer(child: ChildProcess): Promise<CutOver> {
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('the migration ended early'))),
  ]);
  return message;
}

async function seen<T>(look: () => T): Promise<NonNullable<T>> {
  for (;;) {
    const found = look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Prints a table for people and one line of JSON for programs. */
function report(rate: number): void {
  const of = measured.filter((one) => one.rate === rate);
  const show = (numbers: readonly number[]) => {
    const { median, min, max } = spreadOf(numbers);
    return `${Math.round(median)} (${Math.round(min)}–${Math.round(max)})`;
  };
  const reached = Math.round(spreadOf(of.map(({ writesPerSecond }) => writesPerSecond)).median);
  const attempts = of.reduce((sum, one) => sum + one.attempts.length, 0);
  console.log(`\n${of.length} cutovers in ${attempts} attempts at ${rate} writes/s (reached: ${reached})`);
  const pauses = of.map(({ pauseMs }) => pauseMs);
  const p95 = Math.round(
    percentile(
      pauses.toSorted((a, b) => a - b),
      0.95,
    ),
  );
  console.log(`write pause           ${show(pauses)} ms, median (min–max); p95: ${p95} ms`);
  console.log(`request to the end    ${show(of.map(({ requestToEndMs }) => requestToEndMs))} ms`);
  const steps = Map.groupBy(
    of.flatMap(({ attempts: all }) => all.flatMap(({ steps: own }) => own)),
    ({ name }) => name,
  );
  console.table(
    [...steps].map(([step, all]) => {
      const durations = all.map(({ durationMs = 0 }) => durationMs);
      const mean = durations.reduce((sum, ms) => sum + ms, 0) / of.length;
      return { step, 'mean ms per cutover': Math.round(mean), 'ms (min–max)': show(durations) };
    }),
  );
  console.log(JSON.stringify({ rate, reached, cutovers: of }));
}
