import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { newId } from '../../src/platform/index.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { type ReplicaSet, startPair } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { failureOf } from './drive.ts';
import type { RoundReport } from './round.ts';
import type { RoundLog } from './round-log.ts';
import { changesBetween, snapshotOf } from './snapshot-of.ts';

const DEADLINE_MS = 90_000;
const SHOWN = 5;

/** A source that loses its data and is initiated again with the same name and address. */
export interface WipedSourcePlan {
  readonly seed: number;
  /** When it happens: in the copy, while following, or while no engine runs. */
  readonly at: 'copying' | 'following' | 'stopped';
  readonly afterMs: number;
  /** Data of the new source: none, or other documents in collections of the same names. */
  readonly has: 'nothing' | 'other documents';
  readonly collections: number;
  readonly documents: number;
}

export function drawWipedSource(seed: number): WipedSourcePlan {
  const random = new SeededRandom(seed);
  return {
    seed,
    at: random.pick(['copying', 'following', 'following', 'stopped']),
    afterMs: random.integer(1_500),
    has: random.pick(['nothing', 'other documents']),
    collections: 1 + random.integer(6),
    documents: 100 + random.integer(1_000),
  };
}

/** Checks that the migration ends with OTHER_SOURCE, and that the destination keeps all its data. */
export async function runWipedSource(plan: WipedSourcePlan, log: RoundLog): Promise<RoundReport> {
  await using pair = await startPair();
  const { source, destination } = pair;
  for (let n = 0; n < plan.collections; n += 1) await fill(source.client, n, plan.documents);
  const migrationId = newId();
  const start = (copyBytesPerSecond?: number) => RunningMigration.start(pair, { migrationId, copyBytesPerSecond });
  await using running = start(plan.at === 'copying' ? 100_000 : undefined);
  if (plan.at === 'copying') await running.until('the copy', ({ state }) => state === 'COPYING');
  else await running.untilReady();
  await delay(plan.afterMs);
  if (plan.at === 'stopped') await running.stop();
  const before = await documentsOf(destination.client);
  await wipe(source);
  log.say('the source is another cluster now');
  if (plan.has === 'other documents') await fill(source.client, 0, plan.documents);
  await using again = plan.at === 'stopped' ? start() : undefined;
  const late = delay(DEADLINE_MS, 'no end', { ref: false });
  const end = await Promise.race([(again ?? running).outcome, late]).catch(
    (error: unknown) => failureOf('the migration', error, log).failed,
  );
  if (end !== 'OTHER_SOURCE')
    log.find(
      `the source is another cluster, but the migration has ${end}: ${JSON.stringify((again ?? running).progress)}`,
    );
  const lost = changesBetween(before, await documentsOf(destination.client)).filter((text) =>
    text.startsWith('no longer'),
  );
  if (lost.length > 0) log.find(`another source removed data from the destination: ${lost.slice(0, SHOWN).join('; ')}`);
  return { end, documents: before.length };
}

async function fill(source: MongoClient, n: number, documents: number): Promise<void> {
  const rows = Array.from({ length: documents }, (_, row) => ({ row, text: 'x'.repeat(500) }));
  await source
    .db(`shop${n % 2}`)
    .collection(`c${n}`)
    .insertMany(rows, { writeConcern: { w: 'majority' } });
}

/** Returns a line for each document and each collection. */
async function documentsOf(client: MongoClient): Promise<string[]> {
  const lines = (await snapshotOf(client)).filter((line) => line.includes('"collection"'));
  for (const database of ['shop0', 'shop1'])
    for (const { name } of await client.db(database).listCollections({}, { nameOnly: true }).toArray())
      for (const { _id } of await client
        .db(database)
        .collection(name)
        .find({}, { projection: { _id: 1 } })
        .toArray())
        lines.push(`${database}.${name} ${_id}`);
  return lines;
}

/** Deletes the data of a set's only member, and initiates the set again with the same name. */
async function wipe({ members, name, client }: ReplicaSet): Promise<void> {
  const [member] = members;
  if (member === undefined) throw new Error('a member is missing');
  await member.wipe();
  const host = `127.0.0.1:${member.port}`;
  await using direct = new MongoClient(`mongodb://${host}/?directConnection=true`);
  await direct.db('admin').command({ replSetInitiate: { _id: name, members: [{ _id: 0, host }] } });
  const write = () => client.db('admin').command({ appendOplogNote: 1, data: {}, writeConcern: { w: 'majority' } });
  await eventually(write, { what: 'a primary of the new source', deadlineMs: DEADLINE_MS });
}
