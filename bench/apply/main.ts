import { type ChildProcess, fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { MongoClient } from 'mongodb';
import { cleanUpAtExit } from '../../test/support/exit-cleanup.ts';
import { inBatches, sendBatches } from '../raw-commands.ts';
import { measure, report, timed } from '../rounds.ts';
import { DATABASE, startServers } from '../servers.ts';
import { answer, ask } from './linkspan-client.ts';
import { type Changes, Workload } from './workload.ts';

/**
 * `npm run bench:apply -- [--scale 1] [--rounds 5] [--verification repair|off]`: compares how long Linkspan needs for changes in the source's oplog with
 * how long the destination needs for the same insert, update and delete commands from memory.
 */
const BATCH_STATEMENTS = 1_000;
const WRITERS = 4;
const FOLLOWED = 'followed';
const BOUND = 'bound';

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    verification: { type: 'string', default: 'repair' },
  },
});
const count = Math.round(50_000 * Number(values.scale));
for (const style of ['replaces', 'updates'] as const) {
  await using pair = await startServers();
  const [source, destination] = [pair.source.client, pair.destination.client];
  const workload = new Workload(count);
  const documents = inBatches(workload.documents(), BATCH_STATEMENTS);
  await fill(source, FOLLOWED, documents);
  const linkspan = await startLinkspan(pair.source.uri, pair.destination.uri);
  // Must come after the measurement above, because a migration needs an empty destination.
  await fill(destination, BOUND, documents);
  let round = workload.nextRound(count);
  const measurements = await measure(
    [
      {
        name: 'Linkspan',
        run: async () => {
          await ask(linkspan, { kind: 'pause' });
          await change(source, FOLLOWED, round, style);
          await destination.db('admin').command({ fsync: 1 });
          return await ask(linkspan, { kind: 'apply', changes: count });
        },
      },
      {
        name: `commands from memory, ${WRITERS} at a time`,
        run: async () => {
          await destination.db('admin').command({ fsync: 1 });
          return await timed(() => change(destination, BOUND, round, 'replaces'));
        },
      },
    ],
    Number(values.rounds),
    () => {
      round = workload.nextRound(count);
    },
  );
  report(`apply: ${count} changes with ${style}, 2 secondary indexes`, count, 'changes', measurements);
  linkspan.kill();
}

async function change(
  client: MongoClient,
  collection: string,
  changes: Changes,
  style: 'replaces' | 'updates',
): Promise<void> {
  const send = (command: 'insert' | 'update' | 'delete', statements: readonly Buffer[]) =>
    sendBatches(client, collection, command, inBatches(statements, BATCH_STATEMENTS), WRITERS);
  await send('insert', changes.inserts);
  await send('update', changes[style]);
  await send('delete', changes.deletes);
}

async function fill(client: MongoClient, collection: string, documents: readonly (readonly Buffer[])[]): Promise<void> {
  await sendBatches(client, collection, 'insert', documents, WRITERS);
  await client
    .db(DATABASE)
    .collection(collection)
    .createIndexes([{ key: { n: 1 } }, { key: { category: 1, at: -1 } }]);
}

/** Starts the migration. Resolves when its initial copy is complete. */
async function startLinkspan(source: string, destination: string): Promise<ChildProcess> {
  const child = fork(new URL('linkspan-process.ts', import.meta.url), [source, destination, values.verification]);
  cleanUpAtExit(() => child.kill('SIGKILL'));
  await answer(child);
  return child;
}
