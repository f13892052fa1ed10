import assert from 'node:assert/strict';
import { type MongoClient, UUID } from 'mongodb';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { compareClusters } from '../../support/compare-clusters.ts';
import { eventually } from '../../support/eventually.ts';
import type { ReplicaSetPair } from '../../support/replica-set.ts';
import { allowWrites } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';
import { differingOrders } from './capped-orders.ts';
import { FILLED, type Operation, type Schedule, type Step } from './operation.ts';
import { Pacer } from './pacer.ts';
import { runOperation } from './run-operation.ts';

/** The engine's named points up to the cutover, at which the source must stand still. */
const POINTS = [
  'engine.prepare.position-fixed',
  'engine.catalog.stepped-aside',
  'engine.catalog.created',
  'engine.copy.before-first-read',
  'engine.copy.batch-acknowledged',
  'engine.copy.collection-copied',
  'engine.copy.indexed',
  'engine.copy.drained',
  'engine.indexes.recorded',
  'engine.indexes.compared',
  'engine.apply.batch-taken',
  'engine.apply.batch-acknowledged',
  'engine.capture.batch-dispatched',
];

/** Counts what one schedule did, to prove that the model tests something. */
export interface Course {
  readonly accepted: number;
  readonly refused: number;
  readonly pointsReached: number;
  readonly documentsCompared: number;
}

/** Runs one migration along the schedule. @throws when it fails, or when the clusters differ at its end */
export async function runSchedule({ source, destination }: ReplicaSetPair, schedule: Schedule): Promise<Course> {
  await Promise.all([empty(source.client), empty(destination.client)]);
  const counts = { accepted: 0, refused: 0 };
  const perform = async (operation: Operation) => {
    if (await runOperation(source.client, operation)) counts.accepted += 1;
    else counts.refused += 1;
  };
  await fillModel(source.client, schedule.padding);
  for (const operation of schedule.before) await perform(operation);

  const pacer = new Pacer(schedule.writers.length);
  const writing = Promise.all(
    schedule.writers.map(async (operations) => {
      for (const operation of operations) await pacer.turn(() => perform(operation));
      pacer.leave();
    }),
  );
  writing.catch(() => undefined); // Seen at the end.
  const pointsReached = await migrate({ source, destination }, schedule, pacer, writing);
  await dropShells(source.client, destination.client);
  const { differences, documents } = await compareClusters(source.client, destination.client);
  assert.deepEqual([...differences, ...(await differingOrders(source.client, destination.client))], []);
  return { ...counts, pointsReached, documentsCompared: documents };
}

/** @returns how often a named point was reached */
async function migrate(
  pair: { readonly source: { readonly uri: string }; readonly destination: { readonly uri: string } },
  schedule: Schedule,
  pacer: Pacer,
  writing: Promise<unknown>,
): Promise<number> {
  const migrationId = newId();
  const stops = new Set(schedule.stops);
  let reached = 0;
  let current: RunningMigration | undefined;
  using listeners = new DisposableStack();
  for (const point of POINTS) {
    listeners.use(
      onFailpoint(point, async () => {
        if (pacer.exhausted) return;
        reached += 1;
        if (stops.delete(reached)) void current?.stop();
        const pause = schedule.pauses[reached % schedule.pauses.length] ?? 0;
        // Once it only follows, each batch has to let others write, or none would ever.
        await pacer.grant(current?.progress.readyForCutover ? Math.max(1, pause) : pause);
      }),
    );
  }
  for (;;) {
    await using running = RunningMigration.start(pair, { migrationId });
    current = running;
    let ended = false;
    const outcome = running.outcome.finally(() => {
      ended = true;
    });
    outcome.catch(() => undefined); // Seen below.
    await eventually(() => ended || (pacer.exhausted && running.progress.readyForCutover), {
      what: `the writers and the migration, which is ${running.progress.state}`,
    });
    if (ended && (await outcome) === 'STOPPED') continue;
    await writing;
    await running.commit();
    return reached;
  }
}

/** Some documents in each collection, one with each type of `_id`. */
export async function fillModel(client: MongoClient, padding: number): Promise<void> {
  const at = new Date(0);
  for (const [place, on] of FILLED.entries()) {
    const [database = '', name = ''] = on.split('.');
    const step: Step = { kind: 'insert', on, to: on, id: { n: 0, as: 'int' }, x: place };
    await runOperation(client, { ...step, kind: 'insertMany' });
    await client
      .db(database)
      .collection(name)
      .insertMany(
        Array.from({ length: 12 }, (_, n) => ({
          _id: new UUID(Buffer.alloc(16, n)) as never,
          z: n,
          u: `filled ${n}`,
          a: [n],
          m: { b: n },
          at,
          padding: 'x'.repeat(padding),
        })),
      );
  }
}

/**
 * A server keeps a database whose last view was dropped, with its empty list of views; there is nothing in it to migrate. Whether the
 * destination came to have one, too, depends on whether the view was there long enough to be made.
 */
export async function dropShells(source: MongoClient, destination: MongoClient): Promise<void> {
  await allowWrites(source);
  const { databases } = await source.db('admin').admin().listDatabases({ nameOnly: true });
  for (const { name } of databases) {
    const [here, there] = await Promise.all([source, destination].map((client) => isShell(client, name)));
    if (!here) continue;
    await source.db(name).dropDatabase();
    if (there) await destination.db(name).dropDatabase();
  }
}

async function isShell(client: MongoClient, database: string): Promise<boolean> {
  const collections = await client.db(database).listCollections({}, { nameOnly: true }).toArray();
  return collections.every(({ name }) => name === 'system.views');
}

/** Takes a cluster back to its first state, a write block of the last migration's included. */
async function empty(client: MongoClient): Promise<void> {
  await allowWrites(client);
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  for (const { name } of databases) {
    if (!['admin', 'config', 'local'].includes(name)) await client.db(name).dropDatabase();
  }
}
