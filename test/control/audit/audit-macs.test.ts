import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { audit, SYSTEM } from '../../../src/control/audit/audit.ts';
import { auditRecordsAfter, Sealer, type Store, verifyAudit, withAuditMacs } from '../../../src/control/index.ts';
import { openSqliteStore } from '../../../src/store/sqlite/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('after a rotation of the master key under a running server, records have MACs of the new key', async () => {
  using folder = temporaryFolder('audit-macs');
  await using opened = openSqliteStore(folder.path);
  const [former, next] = [randomBytes(32), randomBytes(32)];
  const sealer = new Sealer([former]);
  const store = withAuditMacs(opened, sealer);
  await record(store);
  sealer.use([next, former]);
  await record(store);
  await record(store);
  const keyIds = (await auditRecordsAfter(store, 0, 10)).map(({ keyId }) => keyId);
  assert.equal(keyIds.length, 3);
  assert.notEqual(keyIds[0], keyIds[1]);
  assert.equal(keyIds[1], keyIds[2]);
  const outcome = await verifyAudit(store, { sealer });
  assert.ok('head' in outcome, JSON.stringify(outcome));
});

async function record(store: Store): Promise<void> {
  await store.write((transaction) =>
    audit(transaction, SYSTEM, Date.now(), { eventTypeName: 'ORGANIZATION_CREATED', orgId: 'ab'.repeat(12) }),
  );
}
