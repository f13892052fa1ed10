import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import type { MongodProcess } from '../../support/mongod-process.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsNoDialect } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

/** Two batches of a comparison, and of the copy. */
const DOCUMENTS = 30_000;

/** How many reads of the collection a member has answered. */
async function readsOn(set: ReplicaSet, member: MongodProcess): Promise<number> {
  await using client = set.clientOf(member);
  const { totals } = await client.db('admin').command({ top: 1 });
  const { queries, getmore } = totals['shop.orders'];
  return queries.count + getmore.count;
}

async function fill({ source }: ReplicaSetPair): Promise<void> {
  await source.client.db('shop').collection('orders').insertMany(numbered(DOCUMENTS));
}

const fromSecondaries = ({ source }: ReplicaSetPair) => ({
  source: { uri: `${source.uri}&readPreference=secondaryPreferred` },
});

test('copy and comparison read from a secondary, compressed, and the primary answers almost no read of documents', {
  skip: needsNoDialect('a dialect takes no compression'),
}, async () => {
  await using pair = await startPair({ source: { members: 3 } });
  await fill(pair);
  const source = { uri: `${fromSecondaries(pair).source.uri}&compressors=zstd` };
  await using running = RunningMigration.start({ ...pair, source });
  await running.untilReady();
  const { messageBytes = 0, wireBytes = 0 } = running.progress.compression?.source ?? {};
  assert.ok(messageBytes > 2 * wireBytes, `${messageBytes} bytes, ${wireBytes} on the wire`);
  const primary = await pair.source.primary();
  const reads = await Promise.all(
    pair.source.members.map(async (member) => [member === primary, await readsOn(pair.source, member)] as const),
  );
  const [ofPrimary] = reads.filter(([is]) => is).map(([, count]) => count);
  const ofSecondaries = reads.filter(([is]) => !is).reduce((sum, [, count]) => sum + count, 0);
  assert.ok(ofSecondaries >= 4, JSON.stringify(reads));
  assert.ok((ofPrimary ?? 0) <= ofSecondaries / 2, JSON.stringify(reads));
  assert.match(running.progress.secondary ?? '', /^127\.0\.0\.1:\d+$/);
  await running.commit();
  await expectIdentical(pair);
});

test('a secondary that is lost in the copy costs nothing: the range goes on at another member', async () => {
  await using pair = await startPair({ source: { members: 3 } });
  await fill(pair);
  const primary = await pair.source.primary();
  const lose = async () => {
    const reading = await Promise.all(pair.source.members.map((member) => readsOn(pair.source, member)));
    const [member] = pair.source.members
      .filter((one) => one !== primary)
      .toSorted(
        (one, other) =>
          (reading[pair.source.members.indexOf(other)] ?? 0) - (reading[pair.source.members.indexOf(one)] ?? 0),
      );
    await member?.kill();
  };
  using lost = onceAt('engine.copy.batch-acknowledged', lose);
  await using running = RunningMigration.start(pair, fromSecondaries(pair));
  await running.commit();
  await lost.result;
  await expectIdentical(pair);
});

test('secondaries whose reads fail are left alone, and the primary answers, with a warning', async () => {
  await using pair = await startPair({ source: { members: 3 } });
  await fill(pair);
  const primary = await pair.source.primary();
  const data = { failCommands: ['find'], errorCode: 50, namespace: 'shop.orders' };
  for (const member of pair.source.members) {
    if (member === primary) continue;
    await using client = pair.source.clientOf(member);
    await client.db('admin').command({ configureFailPoint: 'failCommand', mode: 'alwaysOn', data });
  }
  await using running = RunningMigration.start(pair, fromSecondaries(pair));
  await running.untilReady();
  assert.equal(running.progress.secondary, undefined);
  assert.match(running.progress.warnings.join(), /No secondary of the source can be read from/);
  await running.commit();
  await expectIdentical(pair);
});
