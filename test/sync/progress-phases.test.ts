import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../src/platform/index.ts';
import { openSyncApi } from '../../src/sync/api.ts';
import { SyncSession } from '../../src/sync/session.ts';
import { holdAt } from '../engine/reach-points.ts';
import { eventually } from '../support/eventually.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';

checkForLeaks({ sockets: false });

/** Lets the first collection through. The second one then waits until its bytes are paid for. */
const SLOW = { maxMegabytesPerSecond: 0.001 };
const COPYING = 'collection copy';
const APPLYING = 'change event application';

/** The fields of mongosync by which a runbook follows a migration. */
interface Shown {
  readonly state: string;
  readonly info: string;
  readonly ceaStage?: string;
  readonly lagTimeSeconds: number | null;
  readonly lag: { readonly overallLagSeconds: number | null } | null;
  readonly collectionCopy: { readonly estimatedTotalBytes: number; readonly estimatedCopiedBytes: number };
  readonly indexBuilding?: { readonly totalIndexesToBuild: number };
}

test("info and ceaStage follow mongosync's phases, from the copy through its drain to the commit", async () => {
  await using pair = await startPair();
  for (const name of ['orders', 'customers']) {
    const collection = pair.source.client.db('shop').collection(name);
    await collection.insertMany(numbered(2_000, { text: 'x'.repeat(200) }));
    await collection.createIndex({ n: 1 });
  }
  const uris = { cluster0: pair.source.uri, cluster1: pair.destination.uri };
  const session = new SyncSession({ uris, once: false, load: SLOW, logger: silentLogger });
  await using api = await openedFor(session);
  using drained = holdAt('engine.copy.drained');
  await session.start({ source: 'cluster0', destination: 'cluster1' });

  const copying = await api.until((shown) => shown.info === COPYING && shown.collectionCopy.estimatedCopiedBytes > 0);
  assert.deepEqual([copying.state, copying.ceaStage, copying.indexBuilding], ['RUNNING', undefined, undefined]);
  session.pause();
  const paused = await api.until(({ state }) => state === 'PAUSED');
  assert.deepEqual([paused.info, paused.ceaStage, paused.indexBuilding], [COPYING, undefined, undefined]);
  session.resume();
  session.setLoad({ maxMegabytesPerSecond: null });

  await drained.reached;
  const { collectionCopy: copy, ...draining } = await api.until(
    (shown) => shown.indexBuilding?.totalIndexesToBuild === 2,
  );
  assert.deepEqual([draining.state, draining.info, draining.ceaStage], ['RUNNING', APPLYING, 'collection copy drain']);
  assert.equal(copy.estimatedCopiedBytes, copy.estimatedTotalBytes);
  const building = { indexesBuilt: 0, totalIndexesToBuild: 2, collectionsFinished: 0, collectionsTotal: 2 };
  assert.deepEqual(draining.indexBuilding, building);

  drained.release();
  const steady = await api.until(({ ceaStage }) => ceaStage === 'steady state');
  const built = { indexesBuilt: 2, totalIndexesToBuild: 2, collectionsFinished: 2, collectionsTotal: 2 };
  assert.deepEqual([steady.info, steady.indexBuilding], [APPLYING, built]);
  await eventually(async () => session.progress()?.readyForCutover || undefined, { what: 'readiness' });
  session.commit();
  const committed = await api.until(({ state }) => state === 'COMMITTED');
  assert.deepEqual([committed.info, committed.ceaStage], ['commit completed', undefined]);
  assert.deepEqual([committed.lagTimeSeconds, committed.lag?.overallLagSeconds], [0, 0]);
});

/** Opens the API of a session, and stops both at the end. */
async function openedFor(session: SyncSession) {
  const api = await openSyncApi(session, 0);
  const until = (holds: (shown: Shown) => boolean): Promise<Shown> =>
    eventually(
      async () => {
        const { progress } = (await (await fetch(`${api.url}/progress`)).json()) as { progress: Shown };
        return holds(progress) ? progress : undefined;
      },
      { what: `a progress with ${holds}` },
    );
  const close = async () => {
    await session.stop();
    await api.close();
  };
  return { until, [Symbol.asyncDispose]: close };
}
