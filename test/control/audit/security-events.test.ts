import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findAuditRecords, SecurityEvents, verifyAudit } from '../../../src/control/index.ts';
import { openSqliteStore } from '../../../src/store/sqlite/index.ts';
import { FakeClock } from '../../atlas-api/fake-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { keptLog } from './kept-log.ts';

const TYPE = 'LINK_TOKEN_REFUSED';

test('a flood from 10,000 addresses writes at most 251 lines a minute and 6 records an hour of one type, and counts all events', async () => {
  using folder = temporaryFolder('security-events');
  await using store = openSqliteStore(folder.path);
  const log = keptLog();
  const clock = new FakeClock();
  const security = new SecurityEvents({ store, clock, logger: log.logger });
  const orgId = 'a'.repeat(24);
  const flood = () => {
    for (let at = 0; at < 10_000; at += 1) {
      const address = `10.0.${at >> 8}.${at & 255}`;
      security.note({ type: TYPE, address, reason: 'LINK_TOKEN_UNKNOWN', orgId });
    }
  };
  flood();
  // The flood of one type does not suppress another type.
  security.note({ type: 'AGENT_REQUEST_REPLAYED', address: '192.0.2.1', reason: 'REQUEST_REPLAYED', orgId });
  assert.equal(log.lines.at(-1)?.securityEvent, 'AGENT_REQUEST_REPLAYED');
  clock.nowMs += 60_000;
  flood();
  clock.nowMs += 3_600_000;
  await security.flush();
  const of = log.lines.filter(({ securityEvent }) => securityEvent === TYPE);
  const singles = of.filter(({ leftOut }) => leftOut === undefined).length;
  const leftOut = of.reduce((sum, line) => sum + Number(line.leftOut ?? 0), 0);
  assert.equal(singles + leftOut, 20_000);
  assert.ok(of.length <= 2 * 251, `${of.length} lines`);
  const records = await findAuditRecords(store, { orgId, eventTypeNames: [TYPE] }, { limit: 100 });
  assert.equal(records.length, 6);
  const { leftOut: unrecorded, addresses } = records[0]?.details ?? {};
  assert.deepEqual([unrecorded, Array.isArray(addresses) && addresses.length], [19_995, 10]);
  assert.ok('head' in (await verifyAudit(store)));
});

test('a failing store loses the record and logs that, and nothing stops', async () => {
  const log = keptLog();
  const write = async () => {
    throw new Error('the disk is full');
  };
  const security = new SecurityEvents({ store: { write }, clock: new FakeClock(), logger: log.logger });
  security.note({ type: TYPE, address: '192.0.2.1', reason: 'LINK_TOKEN_UNKNOWN', orgId: 'a'.repeat(24) });
  await security.flush();
  assert.match(log.text(), /a security event was not stored/);
});
