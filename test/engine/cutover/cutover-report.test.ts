import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutoverReport } from '../../../src/contract/index.ts';
import { plainAddress } from '../../../src/engine/mongodb/plain-address.ts';
import { newId } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { leastPrivilegeUsers } from '../../support/least-privilege.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

test('a cutover has a report without secrets, and a later run has the same', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany([{ n: 1 }, { n: 2 }]);
  await items.createIndex({ n: 1 }, { unique: true });
  await items.createIndex({ at: 1 }, { expireAfterSeconds: 1_000 });
  const users = await leastPrivilegeUsers(pair);
  const migrationId = newId();
  let read = 0;
  const source = {
    get uri() {
      read += 1;
      return users.source.uri;
    },
  };
  await using running = RunningMigration.start(users, { migrationId, source });
  await running.untilReady();
  assert.equal(running.progress.cutoverReport, undefined);
  running.steering.cutOver();
  assert.equal(await running.outcome, 'COMMITTED');

  const report = cutoverReport.parse(JSON.parse(JSON.stringify(running.progress.cutoverReport)));
  const before = read;
  assert.doesNotMatch(JSON.stringify(running.progress), /secret|reader:|writer:/);
  assert.equal(read, before, 'a look parses no connection string again');
  const { pause, verification, copied, indexes, blocked, connectionStrings, cleanup } = report;
  assert.equal(report.isComplete, true);
  assert.equal(pause.milliseconds, running.progress.cutoverAttempts.at(-1)?.stoppedMs);
  assert.ok((pause.milliseconds ?? 0) > 0);
  assert.deepEqual([copied.collections, copied.documents], [1, 2]);
  assert.deepEqual([indexes.unique, indexes.expiring], [1, 1]);
  assert.deepEqual([verification.result, verification.documentsCompared, verification.differed], ['EQUAL', 2, 0]);
  assert.match(verification.claim, /^Equal at \d{4}-/);
  assert.match(blocked[0]?.undo ?? '', /setUserWriteBlockMode/);
  assert.equal(connectionStrings.before, plainAddress(users.source.uri));
  assert.match(cleanup[0]?.command ?? '', new RegExp(`--migration ${migrationId}`));

  await using again = RunningMigration.start(users, { migrationId });
  assert.equal(await again.outcome, 'COMMITTED');
  assert.deepEqual({ ...again.progress.cutoverReport, warnings: [] }, { ...report, warnings: [] });
});

test('a plain address keeps nothing of a connection string but where the cluster is', () => {
  const cases = [
    [
      'mongodb://user:p%40ss@a:1,b:2/db?replicaSet=rs&authSource=admin&tls=true',
      'mongodb://a:1,b:2/?replicaSet=rs&tls=true',
    ],
    ['mongodb+srv://user:pass@cluster.example.com/?appName=token', 'mongodb+srv://cluster.example.com/'],
    ['mongodb://user:pass@a:1/?authMechanism=PLAIN&authSource=%24external&appName=token', 'mongodb://a:1/'],
    ['mongodb://user:pass@', ''],
    ['not a string: secret', ''],
  ] as const;
  for (const [uri, plain] of cases) assert.equal(plainAddress(uri), plain);
});
