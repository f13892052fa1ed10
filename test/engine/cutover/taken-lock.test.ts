import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

/** A note in the oplog waits 1 ms for the server's global lock, which a busy server may take longer to give. */
// id: note-refused-by-taken-lock
test('a note that a source refuses because its global lock is taken is retried', async () => {
  await using pair = await startPair();
  const admin = pair.source.client.db('admin');
  await pair.source.client
    .db('shop')
    .collection('orders')
    .insertMany([{ n: 1 }, { n: 2 }]);
  let locked = false;
  using _ = onFailpoint('engine.prepare.destination-ready', async () => {
    await admin.command({ fsync: 1, lock: true });
    locked = true;
  });
  await using running = RunningMigration.start(pair);
  await running.until('the wait', ({ waiting }) => locked && waiting.some(({ reason }) => /Global lock/.test(reason)));
  await admin.command({ fsyncUnlock: 1 });
  await running.commit();
  await expectIdentical(pair);
});
