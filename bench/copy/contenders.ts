import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { MongoClient } from 'mongodb';
import { type RawBatch, RawCursor } from '../../src/engine/mongodb/raw-cursor.ts';
import { spawnTracked } from '../../test/support/child-processes.ts';
import type { ReplicaSetPair } from '../../test/support/replica-set.ts';
import { sendBatches } from '../raw-commands.ts';
import { type Contender, timed } from '../rounds.ts';
import { DATABASE, settle } from '../servers.ts';
import { type DataSet, documentsOf, makeIndexes, writeDataSet } from './data-sets.ts';

/** How bin/linkspan starts Node.js. */
export const AS_INSTALLED = {
  flags: ['--initial-old-space-size=128', '--max-semi-space-size=16'],
  env: { ...process.env, MALLOC_ARENA_MAX: '1' },
};
/** This checkout's program, compiled. */
const COMPILED = [
  process.execPath,
  ...AS_INSTALLED.flags,
  fileURLToPath(new URL('../../dist/program/launch.js', import.meta.url)),
] as const;

/**
 * Measures the whole `linkspan sync` process: start, checks, copy, indexes, catching up, end.
 * @param program  the path of another version's `linkspan`; by default, this checkout's, compiled
 */
export function linkspanSync(pair: ReplicaSetPair, dataSet: DataSet, program?: string): Contender {
  const [command, ...first] = program === undefined ? COMPILED : ([program] as const);
  return copying(program === undefined ? 'Linkspan' : `Linkspan of ${program}`, pair, dataSet, async () => {
    const uris = ['--cluster0', pair.source.uri, '--cluster1', pair.destination.uri];
    const args = [...first, 'sync', '--once', '--no-verify', ...uris];
    const linkspan = spawnTracked('linkspan sync', command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: AS_INSTALLED.env,
    });
    const [told, [code]] = await Promise.all([text(linkspan.stderr as Readable), once(linkspan, 'exit')]);
    if (code !== 0) throw new Error(`linkspan sync ended with ${code}: ${told}`);
  });
}

/**
 * Measures a read of one collection after the other in the order of `_id` whose replies are inserted as they come, without a number, a record or a
 * check. No tool that reads while it writes can be faster on these processors.
 * @param clients  as for {@link insertOnly}
 */
export function readAndInsert(
  pair: ReplicaSetPair,
  dataSet: DataSet,
  {
    source,
    destination,
    writers,
  }: { readonly source: MongoClient; readonly destination: MongoClient; readonly writers: number },
): Contender {
  return copying(`read and insert, ${writers} at a time`, pair, dataSet, async () => {
    for (const { name, batches } of dataSet.collections) {
      const batchSize = batches[0]?.length ?? 1;
      const find = { find: name, hint: { _id: 1 }, batchSize, readConcern: { level: 'majority' } };
      const [cursor, first] = await RawCursor.open(source, DATABASE, find);
      await using _ = cursor;
      const writes: Promise<void>[] = [];
      for (let batch: RawBatch | undefined = first; batch !== undefined; ) {
        const next: Promise<RawBatch> | undefined = cursor.open ? cursor.next({ batchSize }) : undefined;
        if (batch.documents.length > 0) writes.push(sendBatches(destination, name, 'insert', [batch.documents], 1));
        if (writes.length >= writers) await writes.shift();
        batch = await next;
      }
      await Promise.all(writes);
    }
    await makeIndexes(destination, dataSet);
  });
}

/**
 * Measures inserts of documents that are already in memory: only the destination's own work.
 * @param client  sends documents as Linkspan does, from where they are. A bound that the driver slows down is none
 */
export function insertOnly(
  pair: ReplicaSetPair,
  dataSet: DataSet,
  { client, writers }: { readonly client: MongoClient; readonly writers: number },
): Contender {
  return copying(`insert only, ${writers} at a time`, pair, dataSet, () => writeDataSet(client, dataSet, writers));
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
