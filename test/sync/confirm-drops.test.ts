import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../src/platform/index.ts';
import { createSyncApi } from '../../src/sync/api.ts';
import { SyncSession } from '../../src/sync/session.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';

const skip = needsSource('6.0', 'a drop stops the migration');

interface Shown {
  readonly canCommit: boolean;
  readonly linkspan: { readonly waiting: readonly { readonly for: string }[] };
}

test('/progress shows drops that wait for a confirmation, and /confirmDrops applies them', {
  skip,
}, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  for (const name of ['a', 'b']) await db.collection(name).insertOne({ n: 1 });
  const session = new SyncSession({
    uris: { cluster0: pair.source.uri, cluster1: pair.destination.uri },
    once: false,
    logger: silentLogger,
  });
  await using app = createSyncApi(session);
  const post = async (call: string, payload: object = {}) => {
    const headers = { host: 'localhost' };
    const { statusCode } = await app.inject({ method: 'POST', url: `/api/v1/${call}`, headers, payload });
    assert.equal(statusCode, 200, call);
  };
  const until = async (what: string, isSo: (progress: Shown) => boolean) =>
    await eventually(
      async () => {
        const { json } = await app.inject({ method: 'GET', url: '/api/v1/progress', headers: { host: 'localhost' } });
        return isSo(json().progress);
      },
      { what },
    );
  await post('start', { source: 'cluster0', destination: 'cluster1' });
  await until('readiness', ({ canCommit }) => canCommit);
  await db.dropDatabase();
  await until(
    'the drops to be held',
    ({ linkspan, canCommit }) => !canCommit && linkspan.waiting.some((wait) => wait.for === 'a confirmation of drops'),
  );
  await post('confirmDrops');
  await until('readiness', ({ canCommit }) => canCommit);
  await post('commit');
  assert.equal(await session.finished, 'COMMITTED');
  await expectIdentical(pair);
});
