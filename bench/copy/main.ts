import { parseArgs } from 'node:util';
import { measure, report } from '../rounds.ts';
import { settle, startServers } from '../servers.ts';
import { dumpAndRestore, insertOnly, linkspanSync } from './contenders.ts';
import { documentsOf, indexedDataSet, plainDataSet, writeDataSet } from './data-sets.ts';

/**
 * `npm run bench:copy -- [--scale 1] [--rounds 5]`: compares the copy time of Linkspan with the best insert rate of the
 * destination and, if `LINKSPAN_PEERS` names the folder of mongodump and mongorestore, with those.
 */
const WRITERS = [1, 2, 4];

const { values } = parseArgs({
  options: { scale: { type: 'string', default: '1' }, rounds: { type: 'string', default: '5' } },
});
const peers = process.env.LINKSPAN_PEERS;
for (const make of [plainDataSet, indexedDataSet]) {
  const dataSet = make(Number(values.scale));
  await using pair = await startServers();
  await settle(pair.source.client);
  await writeDataSet(pair.source.client, dataSet, 2);
  const contenders = [
    linkspanSync(pair, dataSet),
    await fastest(WRITERS.map((writers) => insertOnly(pair, dataSet, writers))),
    ...(peers ? [dumpAndRestore(pair, dataSet, peers)] : []),
  ];
  report(`copy: ${dataSet.title}`, documentsOf(dataSet), 'documents', await measure(contenders, Number(values.rounds)));
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
