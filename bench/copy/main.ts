import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { build } from 'rolldown';
import program from '../../rolldown.config.ts';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { measure, report } from '../rounds.ts';
import { type Caches, settle, startServers } from '../servers.ts';
import { dumpAndRestore, insertOnly, linkspanSync, readAndInsert } from './contenders.ts';
import {
  type DataSet,
  documentsOf,
  indexedDataSet,
  plainDataSet,
  randomDataSet,
  smallCollectionsDataSet,
  textDataSet,
  writeDataSet,
} from './data-sets.ts';
import { processorTime } from './processor-time.ts';
import { compareSharded } from './sharded.ts';

/**
 * `npm run bench:copy -- [--scale 1] [--rounds 5] [--part time|processor|sink] [--sets plain,indexed,…] [--earlier PROGRAM]`:
 * compares the copy time of Linkspan, compiled as users install it, with the best insert rate of the destination, with the
 * best rate of a program that also reads and, if `LINKSPAN_PEERS` names the folder of mongodump and mongorestore, with
 * those. `--earlier` is the path of another version's `linkspan`, which copies the same. The part `processor` is the
 * processor time of Linkspan for each document, and `sink` the same with a destination that stores nothing, so that it is
 * not the bound. `--sharded` instead compares a sharded source with a replica set as the source.
 */
const WRITERS = [1, 2, 4, 8];

interface Setting {
  readonly make: (scale: number) => DataSet;
  readonly caches?: Caches;
}

const BELOW_THE_DATA = { source: 0.25, destination: 2 };

const SETTINGS: Readonly<Record<string, Setting>> = {
  plain: { make: plainDataSet },
  indexed: { make: indexedDataSet },
  'bytes-100': { make: textDataSet(2_000_000, 100) },
  'bytes-200000': { make: textDataSet(5_000, 200_000) },
  'random-in-cache': { make: randomDataSet, caches: { source: 2, destination: 2 } },
  'small-collections': { make: smallCollectionsDataSet },
  sequential: { make: (scale) => plainDataSet(3 * scale), caches: BELOW_THE_DATA },
  random: { make: randomDataSet, caches: BELOW_THE_DATA },
  'random-in-small-caches': { make: randomDataSet, caches: { source: 0.25, destination: 0.25 } },
};

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    part: { type: 'string' },
    sets: { type: 'string', default: 'plain,indexed' },
    earlier: { type: 'string' },
    sharded: { type: 'boolean', default: false },
  },
});
const peers = process.env.LINKSPAN_PEERS;
const rounds = Number(values.rounds);
const isPart = (part: string) => !values.sharded && (values.part === undefined || values.part === part);
if (values.sharded) await compareSharded(Number(values.scale), rounds);
if (isPart('time')) await build(program);
if (isPart('processor')) {
  const dataSet = plainDataSet(Number(values.scale));
  await using pair = await startServers();
  await writeDataSet(pair.source.client, dataSet, 2);
  const uris = { source: pair.source.uri, destination: pair.destination.uri };
  await processorTime(pair.source.client, uris, dataSet, rounds);
}
for (const name of !values.sharded && values.part === 'sink' ? values.sets.split(',') : []) {
  const dataSet = settingOf(name).make(Number(values.scale));
  await using pair = await startServers();
  await writeDataSet(pair.source.client, dataSet, 2);
  const [{ port = 0 } = {}] = pair.destination.members;
  await using sink = await startSink(port);
  await processorTime(pair.source.client, { source: pair.source.uri, destination: sink.uri }, dataSet, rounds);
}
for (const name of isPart('time') ? values.sets.split(',') : []) {
  const setting = settingOf(name);
  const dataSet = setting.make(Number(values.scale));
  await using pair = await startServers(setting.caches);
  await settle(pair.source.client);
  await writeDataSet(pair.source.client, dataSet, 2);
  const client = await connectCluster({ uri: pair.destination.uri }, 'destination');
  const source = await connectCluster({ uri: pair.source.uri }, 'source');
  await using _ = { [Symbol.asyncDispose]: async () => void (await Promise.all([client.close(), source.close()])) };
  const clients = { source, destination: client };
  const contenders = [
    linkspanSync(pair, dataSet),
    await fastest(WRITERS.map((writers) => insertOnly(pair, dataSet, { client, writers }))),
    await fastest(WRITERS.map((writers) => readAndInsert(pair, dataSet, { ...clients, writers }))),
    ...(values.earlier === undefined ? [] : [linkspanSync(pair, dataSet, values.earlier)]),
    ...(peers ? [dumpAndRestore(pair, dataSet, peers)] : []),
  ];
  report(`copy: ${dataSet.title}`, documentsOf(dataSet), 'documents', await measure(contenders, rounds));
}

/** @throws Error when there is no such set */
function settingOf(name: string): Setting {
  const setting = SETTINGS[name];
  if (setting === undefined) throw new Error(`no set ${name}: there are ${Object.keys(SETTINGS).join(', ')}`);
  return setting;
}

/** Starts the sink in front of a server. */
async function startSink(port: number): Promise<AsyncDisposable & { readonly uri: string }> {
  const child = fork(new URL('sink-process.ts', import.meta.url), [String(port)]);
  const [listening] = (await once(child, 'message')) as [{ readonly port: number }];
  return {
    uri: `mongodb://127.0.0.1:${listening.port}/?directConnection=true`,
    [Symbol.asyncDispose]: async () => void child.kill('SIGKILL'),
  };
}

/** Finds the best number of parallel writers by trying each. */
async function fastest<C extends { readonly name: string; run(): Promise<number> }>(
  contenders: readonly C[],
): Promise<C> {
  let best: { readonly contender: C; readonly seconds: number } | undefined;
  for (const contender of contenders) {
    const seconds = await contender.run();
    if (best === undefined || seconds < best.seconds) best = { contender, seconds };
  }
  if (best === undefined) throw new Error('nothing to choose from');
  return best.contender;
}
