import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../src/platform/index.ts';
import { createSyncApi } from '../../src/sync/api.ts';
import { SyncSession } from '../../src/sync/session.ts';
import { withFullFileSystem } from '../support/full-file-system.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';

checkForLeaks({ sockets: false });

test('a start on a full disk has the error of mongosync 1.22, which skipDiskSpaceCheck skips', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(100));
  await using destination = await withFullFileSystem(pair.destination);
  const uris = { cluster0: pair.source.uri, cluster1: destination.uri };
  const session = new SyncSession({ uris, once: false, logger: silentLogger });
  await using _stopped = { [Symbol.asyncDispose]: () => session.stop() };
  const app = createSyncApi(session);
  const start = async (fields: object) => {
    const payload = JSON.stringify({ source: 'cluster0', destination: 'cluster1', ...fields });
    const answer = await app.inject({ method: 'POST', url: '/api/v1/start', payload, headers: { host: 'localhost' } });
    return { status: answer.statusCode, ...answer.json() };
  };

  const refused = await start({});
  assert.deepEqual([refused.status, refused.success, refused.error], [400, false, 'InsufficientDestinationDiskSpace']);
  assert.match(refused.errorDescription, /has 0\.000 GB for data that takes .*skipDiskSpaceCheck.* \[DISK_TOO_SMALL\]/);

  await pair.destination.client.db('here').collection('already').insertOne({});
  const both = await start({});
  assert.equal(both.error, 'PreflightFailed', 'more disk alone would not help');
  assert.match(both.errorDescription, /\[DESTINATION_NOT_EMPTY\].*\[DISK_TOO_SMALL\]/);
  assert.equal((await start({ skipDiskSpaceCheck: true })).error, 'PreflightFailed');

  await pair.destination.client.db('here').dropDatabase();
  assert.deepEqual(await start({ skipDiskSpaceCheck: true }), { status: 200, success: true });
});
