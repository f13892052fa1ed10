import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { MongoClient } from 'mongodb';
import { RawCursor } from '../../src/engine/mongodb/raw-cursor.ts';
import type { MigrationRecord } from '../../src/engine/records/records.ts';
import { runLinkspan } from '../../test/support/linkspan-process.ts';
import type { ReplicaSetPair } from '../../test/support/replica-set.ts';
import { answer, ask } from '../apply/linkspan-client.ts';
import { Workload } from '../apply/workload.ts';
import { type DataSet, documentsOf, plainDataSet, writeDataSet } from '../copy/data-sets.ts';
import { inBatches, sendBatches } from '../raw-commands.ts';
import { type Contender, measure, report, timed } from '../rounds.ts';
import { DATABASE, settle, startServers } from '../servers.ts';

/**
 * `npm run bench:verify -- [--scale 1] [--rounds 5] [--part verify|copy|migrate|apply]`: compares `linkspan verify` with a bare raw read of both sides,
 * and a migration with verification to one without: its copy, its whole run, and how fast it applies changes.
 */
const BATCH_STATEMENTS = 1_000;
const FOLLOWED = 'followed';

type MeasureRun = (run: () => Promise<void>, pair: ReplicaSetPair) => Promise<number>;

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    part: { type: 'string' },
  },
});
const [scale, rounds] = [Number(values.scale), Number(values.rounds)];
const PARTS = {
  verify: compareWithBareRead,
  copy: () => compareMigrations('copy', copySeconds),
  migrate: () => compareMigrations('whole run', timed),
  apply: compareApplying,
};
for (const [name, compare] of Object.entries(PARTS)) {
  if (values.part === undefined || values.part === name) await compare();
}

async function compareWithBareRead(): Promise<void> {
  const dataSet = plainDataSet(scale);
  await using pair = await startServers();
  for (const { client } of [pair.source, pair.destination]) await writeDataSet(client, dataSet, 2);
  const verify = async () => {
    await using linkspan = runLinkspan(['verify', pair.source.uri, pair.destination.uri, '--once']);
    const { code } = await linkspan.exit;
    if (code !== 0) throw new Error(`linkspan verify ended with ${code}: ${linkspan.stderr}`);
  };
  const contenders = [
    { name: 'linkspan verify', run: () => timed(verify) },
    { name: 'bare raw read of both sides', run: () => timed(() => readBoth(pair, dataSet)) },
  ];
  report(`verify: ${dataSet.title}`, documentsOf(dataSet), 'documents', await measure(contenders, rounds));
}

/** @param measureRun  runs a migration. Returns the seconds that count */
async function compareMigrations(title: string, measureRun: MeasureRun): Promise<void> {
  const dataSet = plainDataSet(scale);
  await using pair = await startServers();
  await writeDataSet(pair.source.client, dataSet, 2);
  const migrating = (name: string, flags: readonly string[]): Contender => ({
    name,
    run: async () => {
      await settle(pair.destination.client);
      return await measureRun(() => migrate(flags, pair), pair);
    },
  });
  const contenders = [migrating('verified', []), migrating('not verified', ['--no-verify'])];
  report(
    `sync --once, ${title}: ${dataSet.title}`,
    documentsOf(dataSet),
    'documents',
    await measure(contenders, rounds),
  );
}

async function compareApplying(): Promise<void> {
  const count = Math.round(50_000 * scale);
  const workload = new Workload(count);
  const documents = inBatches(workload.documents(), BATCH_STATEMENTS);
  await using verified = await startServers();
  await using unverified = await startServers();
  using children = new DisposableStack();
  let round = workload.nextRound(count);
  const contenders = [
    await applying('applied and compared', 'repair', verified),
    await applying('applied', 'off', unverified),
  ];
  const measurements = await measure(contenders, rounds, () => {
    round = workload.nextRound(count);
  });
  report(`apply: ${count} changes with replaces, no secondary index`, count, 'changes', measurements);

  async function applying(name: string, mode: 'repair' | 'off', pair: ReplicaSetPair): Promise<Contender> {
    const { client } = pair.source;
    await sendBatches(client, FOLLOWED, 'insert', documents, 4);
    const program = new URL('../apply/linkspan-process.ts', import.meta.url);
    const child = fork(program, [pair.source.uri, pair.destination.uri, mode]);
    children.defer(() => child.kill('SIGKILL'));
    await answer(child);
    return {
      name,
      run: async () => {
        await ask(child, { kind: 'pause' });
        for (const [command, statements] of [
          ['insert', round.inserts],
          ['update', round.replaces],
          ['delete', round.deletes],
        ] as const) {
          await sendBatches(client, FOLLOWED, command, inBatches(statements, BATCH_STATEMENTS), 4);
        }
        await pair.destination.client.db('admin').command({ fsync: 1 });
        return await ask(child, { kind: 'apply', changes: count });
      },
    };
  }
}

async function migrate(flags: readonly string[], pair: ReplicaSetPair): Promise<void> {
  const uris = ['--cluster0', pair.source.uri, '--cluster1', pair.destination.uri];
  await using linkspan = runLinkspan(['sync', '--once', ...flags, ...uris]);
  const { code } = await linkspan.exit;
  if (code !== 0) throw new Error(`linkspan sync ended with ${code}: ${linkspan.stderr}`);
}

/** Runs a migration. Returns the seconds of its copy, index builds included, by its own record. */
async function copySeconds(run: () => Promise<void>, { destination }: ReplicaSetPair): Promise<number> {
  await run();
  const record = await destination.client.db('linkspan_internal').collection<MigrationRecord>('migrations').findOne();
  const copy = record?.phases.find(({ name }) => name === 'COPYING');
  if (copy?.endedAt === undefined) throw new Error('the migration has recorded no end of its copy');
  return (Date.parse(copy.endedAt) - Date.parse(copy.startedAt)) / 1_000;
}

async function readBoth(pair: ReplicaSetPair, dataSet: DataSet): Promise<void> {
  await Promise.all([pair.source, pair.destination].map(({ client }) => readAll(client, dataSet)));
}

async function readAll(client: MongoClient, { collections }: DataSet): Promise<void> {
  for (const { name } of collections) {
    const readConcern = { level: 'majority' };
    const [cursor] = await RawCursor.open(client, DATABASE, { find: name, hint: { _id: 1 }, readConcern });
    await using _ = cursor;
    while (cursor.open) await cursor.next();
  }
}
