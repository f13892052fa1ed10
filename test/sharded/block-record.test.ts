import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { MongoClient } from 'mongodb';
import type { BlockReading, Claim } from '../../src/engine/cutover/block-history.ts';
import { readBlockRecord } from '../../src/engine/cutover/block-record.ts';
import {
  announceCommit,
  endClaim,
  foreseeClaim,
  liftBlock,
  type OwnershipSeen,
  stakeClaim,
} from '../../src/engine/cutover/source-claim.ts';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { noteRouters } from '../../src/engine/mongodb/sharding.ts';
import { blockShown, tryToBlockWrites, unblockWrites, writesAreBlocked } from '../../src/engine/mongodb/write-block.ts';
import { checkCluster } from '../../src/engine/preflight/checks/versions.ts';
import { describeCluster } from '../../src/engine/preflight/inspect-cluster.ts';
import { systemClock as clock, newId, onFailpoint } from '../../src/platform/index.ts';
import { holdAt } from '../engine/reach-points.ts';
import { eventually } from '../support/eventually.ts';
import { LEAST_ROLES } from '../support/least-privilege.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';

const ROUNDS = 5;

function newClaim(migrationId = newId(), term = 1): Claim {
  return { id: newId(), migrationId, term };
}

function readingOf(staked: OwnershipSeen): BlockReading {
  assert.ok(staked.outcome === 'held', staked.outcome);
  return staked.reading;
}

/** Ends an act of an engine at a named point, as its death does. */
async function dieAt(point: string, act: () => Promise<unknown>): Promise<void> {
  using _ = onFailpoint(point, () => {
    throw new Error('it died');
  });
  await assert.rejects(act(), /it died/);
}

suite('the record of a sharded source', () => {
  const resources = new AsyncDisposableStack();
  let cluster: ShardedCluster;
  /** Two engines, each with a router of its own. */
  let one: MongoClient;
  let two: MongoClient;

  before(async () => {
    cluster = resources.use(await startShardedCluster({ auth: true, routers: 2 }));
    await cluster.createUser('migrator', 'secret', []);
    const [first, second] = cluster.routerUris.map((uri) => uri.replace(/\/\/[^@]*@/, '//migrator:secret@'));
    one = resources.use(await connectCluster({ uri: first ?? '' }, 'source'));
    two = resources.use(await connectCluster({ uri: second ?? '' }, 'source'));
    for (const roles of [[], LEAST_ROLES.source]) {
      if (roles.length > 0) await cluster.client.db('admin').command({ grantRolesToUser: 'migrator', roles });
      await assert.rejects(
        stakeClaim(one, newClaim()),
        /Grant it find, insert and update on admin\.linkspan_write_block/,
      );
    }
    assert.deepEqual(checkCluster(await describeCluster(one), 'source', { once: true }), []);
    await cluster.client.db('admin').command({ updateUser: 'migrator', roles: [] });
    const [missing, ...more] = checkCluster(await describeCluster(one), 'source', {});
    assert.deepEqual([missing?.error.code, more], ['MISSING_PRIVILEGE', []]);
    assert.match(missing?.error.message ?? '', /find, insert, update on admin\.linkspan_write_block/);
    const command = /createRole\((\{.+\})\); .*grantRolesToUser\("migrator", (\[.+\])\)$/.exec(
      missing?.error.remedy ?? '',
    );
    const { role, ...definition } = JSON.parse(command?.[1] ?? '');
    assert.equal(definition.privileges.length, 4);
    await cluster.client.db('admin').command({ createRole: role, ...definition });
    await cluster.client.db('admin').command({ grantRolesToUser: 'migrator', roles: JSON.parse(command?.[2] ?? '') });
    assert.deepEqual(checkCluster(await describeCluster(one), 'source', {}), []);
  });

  after(() => resources.disposeAsync());

  beforeEach(async () => {
    await unblockWrites(one);
    await cluster.client.db('admin').collection('linkspan_write_block').deleteMany({});
  });

  async function block(client: MongoClient): Promise<void> {
    assert.ok(await tryToBlockWrites(client, 0));
  }

  test('names exactly one of those that claim the block at the same moment', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const engines = [one, two, one].map((client) => ({ client, claim: newClaim() }));
      const staked = await Promise.all(engines.map(({ client, claim }) => stakeClaim(client, claim)));
      assert.deepEqual(staked.map(({ outcome }) => outcome).sort(), ['held', 'refused', 'refused']);
      for (const { client, claim } of engines) await liftBlock(client, claim, { uncommitted: true, clock });
    }
  });

  test('refuses a step that was derived from an earlier one', async () => {
    using held = holdAt('engine.cutover.block-record-read', { times: 1 });
    const early = stakeClaim(one, newClaim());
    await held.reached;
    const late = newClaim();
    readingOf(await stakeClaim(two, late));
    held.release();
    const staked = await early;
    assert.equal(staked.outcome === 'refused' && staked.holder?.id, late.id);
  });

  test('has either the commit or the opening', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const claim = newClaim();
      readingOf(await stakeClaim(one, claim));
      await block(one);
      const [said, lifted] = await Promise.all([
        announceCommit(one, claim),
        liftBlock(two, claim, { uncommitted: false, clock }),
      ]);
      assert.ok(said === 'confirmed' ? lifted === 'committing' : lifted === 'lifted', `${said}, ${lifted}`);
      if (said === 'confirmed') await liftBlock(one, claim, { uncommitted: true, clock });
      assert.equal(await writesAreBlocked(one), false);
    }
  });

  const deaths: Record<string, (claim: Claim) => Promise<unknown>> = {
    'has claimed the block': async () => undefined,
    'has set the block': () => block(one),
    'has announced its commit': async (claim) => {
      await block(one);
      assert.equal(await announceCommit(one, claim), 'confirmed');
    },
    'is about to lift the block': async (claim) => {
      await block(one);
      await dieAt('engine.cutover.about-to-open', () => liftBlock(one, claim, { uncommitted: true, clock }));
    },
    'has lifted the block': async (claim) => {
      await block(one);
      await dieAt('engine.cutover.opened', () => liftBlock(one, claim, { uncommitted: true, clock }));
    },
  };

  for (const [when, act] of Object.entries(deaths))
    test(`has the claim of an engine that ${when} until that migration ends it, and no longer`, async () => {
      const gone = newClaim();
      const other = newClaim();
      readingOf(await stakeClaim(one, gone));
      await act(gone);
      const refused = await stakeClaim(two, other);
      assert.equal(refused.outcome === 'refused' && refused.holder?.migrationId, gone.migrationId);
      const foreseen = await foreseeClaim(two, other);
      assert.equal(foreseen.outcome === 'refused' && foreseen.holder?.migrationId, gone.migrationId);
      assert.equal(await liftBlock(two, other, { uncommitted: true, clock }), 'not ours');

      assert.equal(await liftBlock(one, gone, { uncommitted: true, clock }), 'lifted', 'its watchdog');
      assert.equal(await writesAreBlocked(one), false);
      readingOf(await stakeClaim(two, other));
      await block(two);
      // The engine only slept.
      assert.equal(await announceCommit(one, gone), 'lost');
      for (const uncommitted of [true, false])
        assert.equal(await liftBlock(one, gone, { uncommitted, clock }), 'not ours');
      assert.equal(await announceCommit(two, other), 'confirmed');
      assert.equal(await writesAreBlocked(one), true);
    });

  test('keeps the block of a migration that has committed, and one that no one is known to have set', async () => {
    const claim = newClaim();
    readingOf(await stakeClaim(one, claim));
    await block(one);
    await announceCommit(one, claim);
    const later = newClaim();
    assert.equal((await stakeClaim(two, later)).outcome, 'refused');
    const endings = {
      'has committed': () => endClaim(one, 'committed', claim),
      'is not known': async () =>
        void (await cluster.client.db('admin').collection('linkspan_write_block').deleteMany({})),
    };
    for (const [whose, end] of Object.entries(endings)) {
      await end();
      const staked = await stakeClaim(two, later);
      assert.ok(staked.outcome === 'held' && staked.isFound, whose);
      await block(two);
      assert.equal(await liftBlock(two, later, { uncommitted: true, clock }), 'left as found', whose);
      assert.equal(await liftBlock(one, claim, { uncommitted: true, clock }), 'not ours', whose);
      assert.equal(await writesAreBlocked(one), true, whose);
    }
  });

  // The oplog of a replica set can't be made older: there, unit tests alone show this.
  test('counts a commit that was announced more than ten minutes ago, and that no engine ended, as done', async () => {
    const gone = newClaim();
    readingOf(await stakeClaim(one, gone));
    await block(one);
    await announceCommit(one, gone);
    const records = cluster.client.db('admin').collection('linkspan_write_block');
    await records.updateOne({}, { $inc: { 'holder.seconds': -601 } });
    const foreseen = await foreseeClaim(two, newClaim());
    assert.equal(foreseen.outcome === 'held' && foreseen.isFound && foreseen.block?.committedBy, gone.migrationId);
  });

  test('ends the claim whose block another client lifts by hand', async () => {
    const claim = newClaim();
    const other = newClaim();
    readingOf(await stakeClaim(one, claim));
    await block(one);
    assert.equal((await stakeClaim(two, other)).outcome, 'refused');
    await unblockWrites(cluster.client);
    assert.equal(await announceCommit(one, claim), 'lost');
    assert.ok(readingOf(await stakeClaim(two, other)).state.block === null);
    assert.equal(await liftBlock(one, claim, { uncommitted: true, clock }), 'not ours');
  });

  test('never outlasts a lift: no router repeats one after a minute', async () => {
    await using client = new MongoClient(cluster.uri, { monitorCommands: true });
    noteRouters(client);
    await client.connect();
    const limits: unknown[] = [];
    client.on('commandStarted', ({ command }) => {
      if (command.setUserWriteBlockMode) limits.push(command.maxTimeMS);
    });
    await unblockWrites(client);
    const [limit] = limits;
    assert.ok(Number(limit) > 0 && Number(limit) <= 10_000, `${limit} ms`);
  });

  test('counts a block that waits for a transaction as that of the claim', async () => {
    const orders = cluster.client.db('shop').collection<{ _id: number }>('orders');
    await orders.insertOne({ _id: 1 });
    await using session = cluster.client.startSession();
    session.startTransaction();
    await orders.updateOne({ _id: 1 }, { $set: { n: 1 } }, { session });
    const claim = newClaim();
    readingOf(await stakeClaim(one, claim));
    let confirmed = 0;
    const blocking = tryToBlockWrites(one, 0, async () => {
      confirmed += 1;
      readingOf(await stakeClaim(one, claim));
    });
    await eventually(async () => (await blockShown(two)) === 'changing', { what: 'the block to wait' });
    assert.equal((await readBlockRecord(two)).state.block?.setBy, claim.migrationId);
    assert.equal(await announceCommit(two, newClaim()), 'lost');
    await eventually(() => confirmed > 0, { what: 'the claim to be made again' });
    await session.commitTransaction();
    assert.ok(await blocking);
    assert.equal(await announceCommit(one, claim), 'confirmed');
    assert.equal(await liftBlock(one, claim, { uncommitted: true, clock }), 'lifted');
  });
});
