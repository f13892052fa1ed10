import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CatalogWriter } from '../../campaign/catalog-writer.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { identified } from '../../support/seeds.ts';
import { type SyncProcess, startSync } from '../../support/sync-process.ts';
import { dropShells } from '../model/run-schedule.ts';
import { BulkWriter } from './bulk-writer.ts';

/**
 * `npm run test:verification -- [--minutes 10] [--rate 5000] [--members 1|3] [--seed N]`: verifies a migration while clients write,
 * collections are dropped, renamed and made again, and the primaries of both sides step down in turn. Fails when the verification
 * finds a difference that no one made, misses one of those that are made at the end, or the sides differ after the cutover.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '5000' },
    members: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const members = values.members === '3' ? 3 : 1;
/** The part of the rate that are transactions and other single operations. The rest comes in bulk. */
const SINGLE_PER_SECOND = 200;
const STEP_DOWN_EVERY_MS = 30_000;
const TELL_EVERY_MS = 10_000;
const DOCUMENTS = 50_000;
const NAMESPACES = ['load.a', 'load.b', 'load.c'];

console.log(`verification with seed ${seed}`);
await soak();
// Left to itself, Node may wait for ever for what a connection that was reset had not sent.
process.exit();

async function soak(): Promise<void> {
  await using pair = await startPair({ source: { members }, destination: { members } });
  const still = pair.source.client.db('still').collection<{ _id: number }>('items');
  await still.insertMany(identified(DOCUMENTS, { text: 'x'.repeat(500) }));
  await using load = await startLedgerWriter({
    clients: [pair.source.client],
    namespaces: NAMESPACES,
    seed,
    ratePerSecond: SINGLE_PER_SECOND,
  });
  const bulk = new BulkWriter(pair.source.client, new SeededRandom(seed), Number(values.rate) - SINGLE_PER_SECOND);
  const catalog = new CatalogWriter(pair.source.client, new SeededRandom(seed), {
    catalogEveryMs: 100,
    catalogStandsStill: false,
  });
  await using sync = await startSync({ source: pair.source.uri, destination: pair.destination.uri });
  const beganAtMs = Date.now();
  const untilMs = beganAtMs + Number(values.minutes) * 60_000;
  let stepDowns = 0;
  while (Date.now() < untilMs) {
    await delay(TELL_EVERY_MS);
    if (Date.now() - beganAtMs > (stepDowns + 1) * STEP_DOWN_EVERY_MS) {
      await pair[stepDowns % 2 === 0 ? 'source' : 'destination'].stepDown();
      stepDowns += 1;
    }
    const written = load.snapshot().documentsWritten + bulk.written;
    const { found } = await tell(sync, written / ((Date.now() - beganAtMs) / 1_000));
    assert.equal(found, 0, 'no one has made a difference');
  }
  await catalog.stop();
  await bulk.stop();
  const { documentsWritten } = await load.stop();
  await untilReady(sync);
  assert.equal((await verificationOf(sync)).mismatches.found, 0, 'no one has made a difference');
  await plant(pair);
  await eventually(async () => (await verificationOf(sync)).mismatches.found === 3, {
    what: 'the planted differences',
  });
  await untilReady(sync);
  await sync.call('commit');
  await eventually(async () => (await sync.progress()).state === 'COMMITTED', { what: 'the commit' });
  await dropShells(pair.source.client, pair.destination.client);
  const { documents } = await expectIdentical(pair);
  console.log(
    `ok: ${documentsWritten + bulk.written} documents written, ${catalog.accepted} changes of the catalog, ${stepDowns} step-downs, 3 planted differences found and nothing else; ${documents} documents identical`,
  );
}

/** Changes, deletes and adds a document on the destination. */
async function plant({ destination }: ReplicaSetPair): Promise<void> {
  const items = destination.client.db('still').collection<{ _id: number }>('items');
  await items.updateOne({ _id: 5 }, { $set: { text: 'other' } });
  await items.deleteOne({ _id: DOCUMENTS - 1 });
  await items.insertOne({ _id: -1 });
}

async function untilReady(sync: SyncProcess): Promise<void> {
  await eventually(async () => (await sync.progress()).canCommit, { what: 'the migration to be ready' });
}

async function verificationOf(sync: SyncProcess) {
  return (await sync.progress()).linkspan.verification;
}

/** Prints how far it is. @returns the mismatches */
async function tell(sync: SyncProcess, perSecond: number) {
  const { state, lagTimeSeconds, linkspan } = await sync.progress();
  const { phase, mismatches } = linkspan.verification;
  console.log(
    `${state}, verification ${phase}, lag ${lagTimeSeconds} s, ${Math.round(perSecond)} documents written/s, ${mismatches.found} found`,
  );
  return mismatches;
}
