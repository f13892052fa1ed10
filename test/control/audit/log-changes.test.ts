import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audit, SYSTEM } from '../../../src/control/audit/audit.ts';
import { withChangesLogged } from '../../../src/control/index.ts';
import { openSqliteStore } from '../../../src/store/sqlite/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { keptLog } from './kept-log.ts';

test('the log has a line for each change of a migration, once it is committed', async () => {
  using folder = temporaryFolder('log-changes');
  await using opened = openSqliteStore(folder.path);
  const { logger, lines } = keptLog();
  const store = withChangesLogged(opened, logger);
  const orgId = 'ab'.repeat(12);
  const record = (eventTypeName: string, fails = false) =>
    store.write(async (transaction) => {
      const details = { liveMigrationId: 'm', migrationHost: 'b', reason: 'LEFT' };
      await audit(transaction, SYSTEM, 0, { eventTypeName, orgId, details });
      assert.equal(lines.length, 0, 'nothing is committed yet');
      if (fails) throw new Error('the change fails');
    });
  await assert.rejects(record('LIVE_MIGRATION_TAKEN_OVER', true));
  await record('ORG_RENAMED');
  assert.deepEqual(lines, []);
  await record('LIVE_MIGRATION_TAKEN_OVER');
  assert.deepEqual(lines, [
    {
      level: 30,
      event: 'migration.changed',
      migrationId: 'm',
      change: 'LIVE_MIGRATION_TAKEN_OVER',
      by: 'linkspan',
      details: { migrationHost: 'b', reason: 'LEFT' },
      msg: 'a migration has changed',
    },
  ]);
});
