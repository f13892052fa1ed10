import { once } from 'node:events';
import { join } from 'node:path';
import { spawnTracked } from '../../test/support/child-processes.ts';
import { runLinkspan } from '../../test/support/linkspan-process.ts';
import type { ReplicaSetPair } from '../../test/support/replica-set.ts';
import { type Contender, timed } from '../rounds.ts';
import { DATABASE, settle } from '../servers.ts';
import { type DataSet, documentsOf, writeDataSet } from './data-sets.ts';

/** Measures the whole `linkspan sync` process: start, checks, copy, indexes, catching up, end. */
export function linkspanSync(pair: ReplicaSetPair, dataSet: DataSet): Contender {
  return copying('Linkspan', pair, dataSet, async () => {
    const uris = ['--cluster0', pair.source.uri, '--cluster1', pair.destination.uri];
    await using linkspan = runLinkspan(['sync', '--once', '--no-verify', ...uris]);
    const { code } = await linkspan.exit;
    if (code !== 0) throw new Error(`linkspan sync ended with ${code}: ${linkspan.stderr}`);
  });
}

/** Measures inserts of documents that are already in memory: only the destination's own work. */
export function insertOnly(pair: ReplicaSetPair, dataSet: DataSet, writers: number): Contender {
  return copying(`insert only, ${writers} at a time`, pair, dataSet, () =>
    writeDataSet(pair.destination.client, dataSet, writers),
  );
}

/** Measures mongodump piped to mongorestore. @param folder  folder with both programs */
export function dumpAndRestore(pair: ReplicaSetPair, dataSet: DataSet, folder: string): Contender {
  const script =
    '"$0" --quiet --uri "$1" --db "$2" --archive | "$3" --quiet --uri "$4" --archive --numInsertionWorkersPerCollection 4';
  const programs = [join(folder, 'mongodump'), pair.source.uri, DATABASE];
  const args = ['-o', 'pipefail', '-c', script, ...programs, join(folder, 'mongorestore'), pair.destination.uri];
  return copying('mongodump | mongorestore', pair, dataSet, async () => {
    const [code] = await once(spawnTracked('mongodump | mongorestore', 'bash', args, { stdio: 'inherit' }), 'exit');
    if (code !== 0) throw new Error(`mongodump | mongorestore ended with ${code}`);
  });
}

function copying(name: string, pair: ReplicaSetPair, dataSet: DataSet, copy: () => Promise<void>): Contender {
  const { client } = pair.destination;
  return {
    name,
    run: async () => {
      await settle(client);
      const seconds = await timed(copy);
      const counts = dataSet.collections.map((collection) =>
        client.db(DATABASE).collection(collection.name).countDocuments(),
      );
      const copied = (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
      if (copied !== documentsOf(dataSet)) throw new Error(`${name} copied ${copied} documents`);
      return seconds;
    },
  };
}
