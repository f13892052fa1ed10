import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runLinkspan } from '../../test/support/linkspan-process.ts';
import { type ReplicaSet, startPair } from '../../test/support/replica-set.ts';
import { inBatches, sendBatches } from '../raw-commands.ts';
import { spreadOf } from '../rounds.ts';
import { settle } from '../servers.ts';
import { documentsOf, KINDS, Text } from '../soak/data.ts';

/**
 * `npm run bench:wire -- [--documents 100000] [--rounds 3] [--round-trip-ms 10,50] [--megabits 100] [--modes off,zstd,zlib] [--near-source]
 * [--secondaries]`: what `linkspan sync --once` with verification sends and receives on each side, by distance and compression, and the time and
 * processor time that it takes. Both sides have the round trip, and each connection the rate; with `--near-source` only the destination.
 * The documents are events of 700 bytes whose text compresses as that of real data. With `--secondaries` the source has three members, and its
 * secondaries answer the reads of documents.
 */
const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    'round-trip-ms': { type: 'string', default: '10' },
    megabits: { type: 'string' },
    modes: { type: 'string', default: 'off,zstd,zlib' },
    'near-source': { type: 'boolean', default: false },
    secondaries: { type: 'boolean', default: false },
  },
});
const COLLECTION = 'events';
const [kind] = KINDS as [(typeof KINDS)[number]];
const documents = documentsOf(kind, 0, Number(values.documents), 1, new Text(1));
const bytes = documents.reduce((sum, { length }) => sum + length, 0);
const megabits = values.megabits === undefined ? undefined : Number(values.megabits);
const preference = values.secondaries ? '&readPreference=secondaryPreferred' : '';
const cases = values['round-trip-ms']
  .split(',')
  .flatMap((roundTripMs) =>
    values.modes.split(',').map((mode) => ({ roundTripMs: Number(roundTripMs), mode, samples: [] as Sample[] })),
  );

interface Sample {
  readonly seconds: number;
  readonly processorSeconds: number;
  /** Bytes on the wire, divided by those of the documents. */
  readonly source: number;
  readonly destination: number;
  /** The primary's share of all documents that the members of the source returned, from 0 to 1. */
  readonly primaryShare: number;
}

await using pair = await startPair({
  source: { proxied: true, members: values.secondaries ? 3 : 1 },
  destination: { proxied: true },
});
await sendBatches(pair.source.client, COLLECTION, 'insert', inBatches(documents, 1_000), 2);
for (let round = 0; round < Number(values.rounds); round += 1)
  for (const { roundTripMs, mode, samples } of cases) {
    const sample = await migrate(roundTripMs, mode);
    samples.push(sample);
    console.error(`round ${round + 1}: ${roundTripMs} ms, ${mode}`, sample);
  }
const far = values['near-source'] ? 'the destination' : 'both sides';
console.log(
  `\n${documents.length} documents, ${(bytes / 1e6).toFixed(1)} MB, distance to ${far}, megabits ${megabits ?? 'not limited'}`,
);
for (const { roundTripMs, mode, samples } of cases) {
  const medianOf = (name: keyof Sample) => Number(spreadOf(samples.map((sample) => sample[name])).median.toFixed(3));
  const [seconds, processorSeconds] = [medianOf('seconds'), medianOf('processorSeconds')];
  console.log(
    JSON.stringify({
      roundTripMs,
      mode,
      seconds,
      processorSeconds,
      source: medianOf('source'),
      destination: medianOf('destination'),
      primaryShare: medianOf('primaryShare'),
    }),
  );
}

async function migrate(roundTripMs: number, mode: string): Promise<Sample> {
  await settle(pair.destination.client);
  const sides = [pair.source, pair.destination] as const;
  const link = { latencyMs: roundTripMs / 2, ...(megabits !== undefined && { bytesPerSecond: megabits * 125_000 }) };
  for (const side of values['near-source'] ? [pair.destination] : sides)
    for (const proxy of side.proxies) proxy.set(link);
  const before = sides.map(carried);
  const returnedBefore = await returnedDocuments(pair.source);
  const beganAt = performance.now();
  const clusters = ['--cluster0', `${pair.source.uri}${preference}`, '--cluster1', pair.destination.uri];
  await using linkspan = runLinkspan(['sync', '--once', ...clusters, '--compression', mode]);
  let processorSeconds = 0;
  const measuring = setInterval(() => {
    processorSeconds = processorSecondsOf(linkspan.pid) ?? processorSeconds;
  }, 20);
  const { code } = await linkspan.exit.finally(() => clearInterval(measuring));
  if (code !== 0) throw new Error(`linkspan sync ended with ${code}: ${linkspan.stderr}`);
  const [source = 0, destination = 0] = sides.map((side, n) => (carried(side) - (before[n] ?? 0)) / bytes);
  const seconds = (performance.now() - beganAt) / 1_000;
  const returned = (await returnedDocuments(pair.source)).map((count, n) => count - (returnedBefore[n] ?? 0));
  const [ofPrimary = 0] = returned;
  const primaryShare = ofPrimary / returned.reduce((sum, count) => sum + count);
  return { seconds, processorSeconds, source, destination, primaryShare };
}

function carried({ proxies }: ReplicaSet): number {
  return proxies.reduce((sum, proxy) => sum + proxy.bytes, 0);
}

/** How many documents each member has returned to its clients, the primary first. */
async function returnedDocuments(set: ReplicaSet): Promise<number[]> {
  const primary = await set.primary();
  const returned: number[] = [];
  for (const member of set.members.toSorted((one, other) => Number(other === primary) - Number(one === primary))) {
    await using client = set.clientOf(member);
    returned.push((await client.db('admin').command({ serverStatus: 1 })).metrics.document.returned);
  }
  return returned;
}

/** The processor time of a process, which the kernel counts in hundredths of a second; undefined when it has ended. */
function processorSecondsOf(pid: number): number | undefined {
  try {
    const [, ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const [user = 0, system = 0] = fields.join('').split(' ').slice(11, 13).map(Number);
    return (user + system) / 100;
  } catch {
    return undefined;
  }
}
