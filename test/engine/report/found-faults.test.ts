import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Db } from 'mongodb';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

/** Each was found by `npm run campaign`, and is here in the smallest form that shows it. */

test('a source that answers before it knows the time, as after a restart, has a lag all the same', async () => {
  await using pair = await startPair();
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const { command } = Db.prototype;
  const withoutTime = mock.method(
    Db.prototype,
    'command',
    async function (this: Db, ...given: Parameters<typeof command>) {
      const { operationTime, ...reply } = await command.apply(this, given);
      return 'getMore' in given[0] ? reply : { ...reply, operationTime };
    },
  );
  try {
    const calls = withoutTime.mock.callCount();
    await running.until('answers without a time', () => withoutTime.mock.callCount() > calls + 5);
    assert.equal(typeof running.progress.lagSeconds, 'number');
  } finally {
    withoutTime.mock.restore();
  }
  await running.commit();
});
