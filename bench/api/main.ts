import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'rolldown';
import program from '../../rolldown.config.ts';
import { AtlasClient } from '../../test/support/atlas-client.ts';
import { affordableSockets, openIdleSockets } from '../../test/support/idle-sockets.ts';
import { runLinkspan } from '../../test/support/linkspan-process.ts';
import { medianSyncMs } from './disk.ts';
import { load, percentile, type Server, startServer } from './load.ts';
import { PollingAgents } from './polling-agents.ts';
import { restartPeak } from './restart.ts';
import { TokenSource } from './token-source.ts';

/**
 * `node bench/api/main.ts [--rounds N] [--only A2,A4]`: measures the cost of the Atlas API as ratios of two values that were measured one right
 * after the other. The order changes from round to round. Every server warms up before the first round, so that its code is compiled.
 */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, only: { type: 'string', default: '' } },
});
const rounds = Number(values.rounds);
const only = values.only.split(',').filter((id) => id !== '');

const WARM_UP_SECONDS = 5;
const SAMPLE_SECONDS = 1.5;

const ATLAS_CREATE_MS = 150;
const POLLING_AGENTS = 1000;
const IDLE_SOCKETS = affordableSockets(10_000);

interface Benchmark {
  readonly id: string;
  readonly what: string;
  readonly must?: number;
  readonly aim?: number;
  readonly isLowerBetter?: boolean;
  readonly unit?: string;
  /** Measures one round. @param swapped  whether to measure the second value first */
  readonly run: (swapped: boolean) => Promise<number>;
}

const launch = resolve(import.meta.dirname, '../../dist/program/launch.js');
const folder = mkdtempSync(join(tmpdir(), 'linkspan-bench-'));
await using servers = new AsyncDisposableStack();
servers.defer(() => rmSync(folder, { recursive: true, force: true }));
const start = async (kind: Parameters<typeof startServer>[0]) => servers.use(await startServer(kind, folder));
const linkspan = await start('linkspan');
const oneByOne = await start('one-by-one');
const sha256 = await start('sha-256');

for (const server of [linkspan, oneByOne, sha256]) {
  await load(server, { connections: 64, seconds: WARM_UP_SECONDS, status: 201 });
}

const perSecond = (server: Server) => async () =>
  (await load(server, { connections: 64, seconds: SAMPLE_SECONDS, status: 201 })).perSecond;
const latency = (server: Server, share: number, connections: number) => async () =>
  percentile((await load(server, { connections, seconds: SAMPLE_SECONDS, status: 201 })).latenciesMs, share);

async function ratio(swapped: boolean, one: () => Promise<number>, other: () => Promise<number>): Promise<number> {
  if (!swapped) return (await one()) / (await other());
  const below = await other();
  return (await one()) / below;
}

let agents: Promise<PollingAgents> | undefined;

async function withAgents(): Promise<number> {
  agents ??= linkAgents();
  using _polls = await (await agents).poll();
  return await latency(linkspan, 0.99, 8)();
}

async function withIdleSockets(): Promise<number> {
  using _sockets = await openIdleSockets(linkspan.port, IDLE_SOCKETS);
  return await latency(linkspan, 0.99, 8)();
}

async function linkAgents(): Promise<PollingAgents> {
  const url = `http://127.0.0.1:${linkspan.port}`;
  const owner = new AtlasClient(url, linkspan.publicKey, linkspan.privateKey);
  return await PollingAgents.link(url, POLLING_AGENTS, new TokenSource(url, owner));
}

/** Measures a cold start of the compiled program, from an empty directory to the first link-token. It was started once before. */
async function coldStartSeconds(): Promise<number> {
  const orgId = 'ab'.repeat(12);
  const env = {
    LINKSPAN_TEST_PROGRAM: launch,
    LINKSPAN_BOOTSTRAP_ORG_ID: orgId,
    LINKSPAN_BOOTSTRAP_PUBLIC_KEY: 'benchkey',
    LINKSPAN_BOOTSTRAP_PRIVATE_KEY: 'a-private-key-of-the-benchmark',
  };
  const directory = join(folder, `cold-${randomBytes(4).toString('hex')}`);
  const began = performance.now();
  await using server = runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', directory], { env });
  const [, url = ''] = await server.waitForLine(/ready at (\S+), /);
  const client = new AtlasClient(url, env.LINKSPAN_BOOTSTRAP_PUBLIC_KEY, env.LINKSPAN_BOOTSTRAP_PRIVATE_KEY);
  await client.send('POST', `/orgs/${orgId}/liveMigrations/linkTokens`, {});
  const seconds = (performance.now() - began) / 1000;
  // Must not be killed: Node.js saves its compile cache only when the process exits by itself.
  server.kill('SIGTERM');
  await server.exit;
  return seconds;
}

const all: readonly Benchmark[] = [
  {
    id: 'A2',
    what: 'group commit ÷ a commit for each request, 64 connections',
    must: 3.5,
    aim: 5,
    run: (swapped) => ratio(swapped, perSecond(linkspan), perSecond(oneByOne)),
  },
  {
    id: 'A4',
    what: 'median of a create on one connection ÷ median of one fdatasync',
    must: 2,
    aim: 1.5,
    isLowerBetter: true,
    run: (swapped) => ratio(swapped, latency(linkspan, 0.5, 1), async () => medianSyncMs(folder, 1000)),
  },
  {
    id: 'A6',
    what: 'create with SHA-256 ÷ with MD5',
    must: 0.9,
    aim: 1,
    run: (swapped) => ratio(swapped, perSecond(sha256), perSecond(linkspan)),
  },
  {
    id: 'A7',
    what: `p99 of a create with ${POLLING_AGENTS} polling agents ÷ p99 without, 8 connections`,
    must: 2,
    aim: 1.3,
    isLowerBetter: true,
    run: (swapped) => ratio(swapped, withAgents, latency(linkspan, 0.99, 8)),
  },
  {
    id: 'A8',
    what: `Atlas's recorded ${ATLAS_CREATE_MS} ms (its own back ends included) ÷ median of a create on one connection`,
    must: 50,
    run: async () => ATLAS_CREATE_MS / (await latency(linkspan, 0.5, 1)()),
  },
  {
    id: 'A9',
    what: 'cold start to the first 201',
    must: 0.25,
    aim: 0.15,
    isLowerBetter: true,
    unit: ' s',
    run: coldStartSeconds,
  },
  {
    id: 'A10',
    what: `p99 of a create with ${IDLE_SOCKETS} sockets that send nothing or half a request ÷ p99 without, 8 connections`,
    must: 2,
    aim: 1.3,
    isLowerBetter: true,
    run: (swapped) => ratio(swapped, withIdleSockets, latency(linkspan, 0.99, 8)),
  },
  {
    id: 'A11',
    what: `requests in the busiest second after a restart under ${POLLING_AGENTS} agents ÷ in an average second before`,
    must: 10,
    aim: 5,
    isLowerBetter: true,
    run: () => restartPeak(mkdtempSync(join(folder, 'restart-')), POLLING_AGENTS),
  },
  {
    id: 'A12',
    what: `p99 of a create with ${POLLING_AGENTS} polling agents, 8 connections`,
    must: 10,
    isLowerBetter: true,
    unit: ' ms',
    run: withAgents,
  },
];

const benchmarks = all.filter(({ id }) => only.length === 0 || only.includes(id));
const results = new Map(benchmarks.map(({ id }) => [id, [] as number[]]));
await build(program);
await coldStartSeconds();
for (let round = 0; round < rounds; round += 1) {
  for (const { id, run } of benchmarks) {
    const value = await run(round % 2 === 1);
    results.get(id)?.push(value);
    console.error(`round ${round + 1}: ${id} ${value.toFixed(2)}`);
  }
}

const table = benchmarks.map(({ id, what, must, aim, isLowerBetter = false, unit = '' }) => {
  const sorted = (results.get(id) ?? []).sort((a, b) => a - b);
  const [median, min, max] = [percentile(sorted, 0.5), sorted[0] ?? 0, sorted.at(-1) ?? 0];
  const reaches = (bound?: number) =>
    bound === undefined ? '' : (isLowerBetter ? median <= bound : median >= bound) ? 'met' : 'missed';
  return { id, what, unit, median, min, max, must, aim, isMustMet: reaches(must), isAimMet: reaches(aim) };
});
console.table(
  table.map(({ id, what, unit, median, min, max, must, aim, isMustMet, isAimMet }) => ({
    id,
    what,
    'median (min–max)': `${median.toFixed(2)}${unit} (${min.toFixed(2)}–${max.toFixed(2)})`,
    must: `${must ?? ''} ${isMustMet}`,
    aim: `${aim ?? ''} ${isAimMet}`,
  })),
);
console.log(JSON.stringify({ rounds, results: table }));
