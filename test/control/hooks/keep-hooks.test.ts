import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginHooks, type HookDelivery, keepHooks, lastAuditRecord } from '../../../src/control/index.ts';
import { readHooks } from '../../../src/hooks/index.ts';
import { silentLogger } from '../../../src/platform/index.ts';
import { startControlPlane } from '../../atlas-api/control-plane.ts';
import { start } from '../../atlas-api/started-migration.ts';
import { hooksFolder } from '../../hooks/hooks-folder.ts';
import { eventually } from '../../support/eventually.ts';

const READY = { state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0, notReadyReasons: [] } as const;
/** Half of the queue of a hook. */
const HALF = 5_000;

/** An undelivered event of another migration. */
function waiting(number: number, orgId: string): HookDelivery {
  const event = {
    id: `earlier ${number}`,
    type: 'migration.expired',
    timestamp: '2026-11-01T12:00:00.000Z',
    data: { migrationId: String(number), orgId },
  } as const;
  const more = { subject: String(number), attempts: 0, lastError: null, givenUpAtMs: null, createdAtMs: number };
  return { id: `pager earlier ${number}`, hook: 'pager', sequence: number, event, ...more };
}

/** Fills half of a hook's queue with events of an organization. @returns how many events of a migration are queued then */
async function queuedBeside(filling: 'ITS_OWN' | 'ANOTHER'): Promise<number> {
  await using plane = await startControlPlane();
  const { report, id } = await start(plane);
  using folder = hooksFolder();
  const hook = { name: 'pager', url: 'http://127.0.0.1:1/', secretFile: folder.secretFile };
  const { hooks } = readHooks(folder.write({ hooks: [hook] }));
  await beginHooks(plane.control, hooks);
  const orgId = filling === 'ITS_OWN' ? plane.orgId : 'f'.repeat(24);
  await plane.store.write(async (transaction) => {
    for (let number = 0; number < HALF; number += 1) await transaction.insert('hookDeliveries', waiting(number, orgId));
  });
  await report(READY);
  const stop = new AbortController();
  const kept = keepHooks(plane.control, hooks, silentLogger, stop.signal);
  const last = (await lastAuditRecord(plane.store))?.sequence;
  await eventually(async () => (await plane.store.get('hookCursors', 'hooks'))?.sequence === last, {
    what: 'a look at the event',
  });
  stop.abort();
  await kept;
  return (await plane.store.find('hookDeliveries', { subject: id })).length;
}

// id: hook-queue-shared
test('no organization takes more of the queue of a hook than it leaves free', async () => {
  assert.equal(await queuedBeside('ITS_OWN'), 0);
  assert.equal(await queuedBeside('ANOTHER'), 1);
});
