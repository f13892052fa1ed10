import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveMigration } from '../../src/atlas-api/index.ts';
import { dateOf } from '../../src/contract/index.ts';
import { verificationProgress } from '../../src/engine/report/verification-progress.ts';
import { addOrganization, startControlPlane } from './control-plane.ts';
import { start } from './started-migration.ts';

test('GET shows how far source and destination are compared, and which documents differ', async () => {
  await using plane = await startControlPlane();
  const { report, show, path, id } = await start(plane);
  const shown = async () =>
    ((await show()).linkspan.progress as { verification?: Record<string, unknown> }).verification;
  const found = {
    namespace: 'shop.orders',
    key: '"\u202e7"',
    class: 'DIFFERENT' as const,
    path: 'a.b',
    times: 1,
    sourceTime: { t: 1, i: 1 },
    destinationTime: { t: 2, i: 1 },
    external: true,
    open: true,
  };
  const verification = {
    ...verificationProgress('REPORT'),
    phase: 'FOLLOWING',
    documentsCompared: 9,
    equalAt: dateOf(7_000),
    catalogDifferences: ['shop.orders: index missing a_1'],
    catalogDifferencesFound: 12,
    seesExternalWrites: true,
    cappedCollections: 1,
    etaSeconds: 4,
  } as const;
  await report({
    verification: { ...verification, mismatches: { found: 2, open: 1, latest: [{ ...found, firstSeen: dateOf(0) }] } },
  });
  assert.deepEqual(await shown(), {
    ...verification,
    // A terminal would act on the character.
    mismatches: { found: 2, open: 1, latest: [{ ...found, key: '"\ufffd7"', firstSeen: dateOf(0) }] },
  });
  const member = await addOrganization(plane, plane.orgId, ['ORG_MEMBER']);
  const { json } = await plane.api<LiveMigration>('GET', `${path}/${id}`, { user: member });
  assert.deepEqual(
    json.linkspan.progress?.verification.mismatches,
    { found: 2, open: 1, latest: [] },
    'a key of a document is for the readers of the project',
  );
});
