import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { build } from 'rolldown';
import program from '../../rolldown.config.ts';
import { AtlasClient } from '../../test/support/atlas-client.ts';
import { runLinkspan } from '../../test/support/linkspan-process.ts';
import { residentBytes } from '../../test/support/resident-bytes.ts';
import { ATTACKS, type Attack, type Attacker } from './attacks.ts';
import { percentile } from './load.ts';

const ORG_ID = 'ab'.repeat(12);
const KEYS = ['benchkey', 'a-private-key-of-the-benchmark'] as const;
const BETWEEN_REQUESTS_MS = 20;
const MIB = 1024 * 1024;
/** The memory limit of the shipped unit and manifests. */
const MEMORY_MIB = 512;
/** A request may take this long beside an attack, or twice as long as without one. */
const ALLOWED_MS = 20;

/** Latencies of a well-behaved organization, and the most memory of the server, beside an attack. */
interface Beside {
  readonly attack: Attack;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly refused: number;
  readonly memoryMiB: number;
  /** Processor time of the server, in shares of one core. */
  readonly processor: number;
}

/**
 * `npm run bench:api -- --hostile [--seconds S]`: measures requests of a well-behaved organization while another one attacks
 * the compiled `linkspan serve` with its usual limits, on the same machine, S seconds for each attack (10 by default).
 */
const { values } = parseArgs({
  options: { hostile: { type: 'boolean' }, seconds: { type: 'string', default: '10' } },
});
const seconds = Number(values.seconds);
const folder = mkdtempSync(join(tmpdir(), 'linkspan-hostile-'));
const results: Beside[] = [];
try {
  await build(program);
  for (const [at, attack] of ATTACKS.entries()) {
    const result = await beside(attack, join(folder, String(at)));
    console.error(`${attack}: median ${result.medianMs.toFixed(1)} ms, p99 ${result.p99Ms.toFixed(1)} ms`);
    results.push(result);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const allowedMs = Math.max(ALLOWED_MS, 2 * (results[0]?.p99Ms ?? 0));
console.table(
  results.map(({ attack, medianMs, p99Ms, refused, memoryMiB, processor }) => ({
    attack,
    median: `${medianMs.toFixed(1)} ms`,
    p99: `${p99Ms.toFixed(1)} ms`,
    refused,
    memory: `${memoryMiB.toFixed(0)} MiB`,
    processor: processor.toFixed(2),
    held: refused === 0 && memoryMiB < MEMORY_MIB && p99Ms <= allowedMs ? 'yes' : 'no',
  })),
);
console.log(JSON.stringify({ seconds, results }));

async function beside(attack: Attack, dataDir: string): Promise<Beside> {
  const env = {
    LINKSPAN_TEST_PROGRAM: resolve(import.meta.dirname, '../../dist/program/launch.js'),
    LINKSPAN_LOG_LEVEL: 'error',
    LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
    LINKSPAN_BOOTSTRAP_PUBLIC_KEY: KEYS[0],
    LINKSPAN_BOOTSTRAP_PRIVATE_KEY: KEYS[1],
  };
  const form = ['--check-destinations', 'form', '--destination-users', 'fixed'];
  await using server = runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir, ...form], { env });
  const [, url = ''] = await server.waitForLine(/ready at (\S+), /);
  const client = new AtlasClient(url, ...KEYS);
  const group = await client.send<{ id: string }>('POST', '/groups', { name: 'victim', orgId: ORG_ID });
  const worker = new Worker(new URL('attacker.ts', import.meta.url), { workerData: await attackerAt(url, attack) });
  try {
    await once(worker, 'message');
    const latenciesMs: number[] = [];
    let refused = 0;
    let memory = 0;
    const began = performance.now();
    const processorBefore = processorSeconds(server.pid);
    while (performance.now() - began < seconds * 1_000) {
      const asked = performance.now();
      const { status } = await client.request('GET', `/groups/${group.body.id}/clusters`);
      latenciesMs.push(performance.now() - asked);
      if (status !== 200) refused += 1;
      memory = Math.max(memory, residentBytes(server.pid));
      await delay(BETWEEN_REQUESTS_MS);
    }
    const sorted = latenciesMs.toSorted((a, b) => a - b);
    const [medianMs, p99Ms] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
    const processor = (processorSeconds(server.pid) - processorBefore) / ((performance.now() - began) / 1_000);
    return { attack, processor, medianMs, p99Ms, refused, memoryMiB: memory / MIB };
  } finally {
    await worker.terminate();
  }
}

function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  // utime and stime, in hundredths of a second (proc(5)).
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Creates the organization that attacks. */
async function attackerAt(url: string, attack: Attack): Promise<Attacker> {
  interface Key {
    readonly publicKey: string;
    readonly privateKey: string;
  }
  const operator = new AtlasClient(url, ...KEYS);
  const made = await operator.send<{ readonly organization: { readonly id: string }; readonly apiKey: Key }>(
    'POST',
    '/orgs',
    { name: 'attacker', apiKey: { desc: 'owner', roles: ['ORG_OWNER'] } },
  );
  const { organization, apiKey } = made.body;
  const owner = [apiKey.publicKey, apiKey.privateKey] as const;
  const keys = `/orgs/${organization.id}/apiKeys`;
  const key = await new AtlasClient(url, ...owner).send<Key>('POST', keys, {
    desc: 'reader',
    roles: ['ORG_READ_ONLY'],
  });
  return { attack, url, orgId: organization.id, owner, reader: [key.body.publicKey, key.body.privateKey] };
}
