import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MongoClient } from 'mongodb';
import type { BlockReading, Claim } from '../../../src/engine/cutover/block-history.ts';
import { announceCommit, liftBlock, type OwnershipSeen, stakeClaim } from '../../../src/engine/cutover/source-claim.ts';
import { MOST_BLOCK_LIMIT_MS, tryToBlockWrites, writesAreBlocked } from '../../../src/engine/mongodb/write-block.ts';
import { newId, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { startReplicaSet } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';

const skip = needsSource('6.0', 'it has no write block');
const ROUNDS = 10;

function claimOf(migrationId = newId(), term = 1): Claim {
  return { id: newId(), migrationId, term };
}

function readingOf(staked: OwnershipSeen): BlockReading {
  assert.ok(staked.outcome === 'held');
  return staked.reading;
}

async function documentsScanned(client: MongoClient): Promise<number> {
  const { metrics } = await client.db('admin').command({ serverStatus: 1 });
  return metrics.queryExecutor.scannedObjects;
}

test('the notes of a source decide between engines that act at the same moment', { skip }, async (t) => {
  await using set = await startReplicaSet({ members: 3 });
  const { client } = set;
  const clock = systemClock;

  await t.test('of those that claim the block exactly one holds it', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const claims = [claimOf(), claimOf(), claimOf()];
      const staked = await Promise.all(claims.map((claim) => stakeClaim(client, claim)));
      assert.deepEqual(staked.map(({ outcome }) => outcome).sort(), ['held', 'refused', 'refused']);
      for (const claim of claims) await liftBlock(client, claim, { uncommitted: true, clock });
    }
  });

  await t.test('an engine does not commit what a watchdog opens', async () => {
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const claim = claimOf();
      const reading = readingOf(await stakeClaim(client, claim));
      assert.ok(await tryToBlockWrites(client, MOST_BLOCK_LIMIT_MS));
      const [said, lifted] = await Promise.all([
        announceCommit(client, claim, reading),
        liftBlock(client, claim, { uncommitted: false, clock }),
      ]);
      assert.ok(said === 'confirmed' ? lifted === 'committing' : lifted === 'lifted', `${said}, ${lifted}`);
      seen.add(said);
      if (said === 'confirmed') await liftBlock(client, claim, { uncommitted: true, clock });
      assert.equal(await writesAreBlocked(client), false);
    }
    t.diagnostic(`the commit was ${[...seen].join(' and ')}`);
  });

  await t.test('an engine that slept before it lifts the block checks again, whatever its clocks say', async () => {
    for (const slow of ['now', 'elapsed'] as const) {
      const claim = claimOf();
      await stakeClaim(client, claim);
      assert.ok(await tryToBlockWrites(client, MOST_BLOCK_LIMIT_MS));
      let sleptMs = 0;
      using _ = onFailpoint('engine.cutover.about-to-open', () => {
        sleptMs = 60_000;
      });
      const asleep = { ...systemClock, [slow]: () => systemClock[slow]() + sleptMs };
      await assert.rejects(liftBlock(client, claim, { uncommitted: true, clock: asleep }), /took too long/);
      assert.equal(await writesAreBlocked(client), true);
      sleptMs = 0;
      using _awake = onFailpoint('engine.cutover.about-to-open', () => undefined);
      assert.equal(await liftBlock(client, claim, { uncommitted: true, clock }), 'lifted');
    }
  });

  await t.test('while users wait only what came after the claim is read, and nothing of that is missed', async () => {
    const claim = claimOf();
    const many = numbered(5_000);
    await client.db('busy').collection('c').insertMany(many);
    const reading = readingOf(await stakeClaim(client, claim));
    assert.ok(await tryToBlockWrites(client, MOST_BLOCK_LIMIT_MS));
    const before = await documentsScanned(client);
    assert.equal(await announceCommit(client, claim, reading), 'confirmed');
    const scanned = (await documentsScanned(client)) - before;
    assert.ok(scanned < many.length / 10, `${scanned} documents were read`);
    assert.equal(await liftBlock(client, claim, { uncommitted: true, clock }), 'lifted');
    assert.equal(await announceCommit(client, claim, reading), 'lost');
  });

  await t.test('a block that an election kept keeps its owner', async () => {
    const claim = claimOf();
    await stakeClaim(client, claim);
    assert.ok(await tryToBlockWrites(client, MOST_BLOCK_LIMIT_MS));
    await client.db('admin').command({ appendOplogNote: 1, data: {}, writeConcern: { w: 'majority' } });
    await set.stepDown();
    assert.equal((await stakeClaim(client, claimOf())).outcome, 'refused');
    assert.equal(await announceCommit(client, claim), 'confirmed');
    assert.equal(await liftBlock(client, claim, { uncommitted: true, clock }), 'lifted');
  });
});
