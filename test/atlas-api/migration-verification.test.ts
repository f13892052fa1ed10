import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verificationProgress } from '../../src/engine/report/verification-progress.ts';
import { startControlPlane } from './control-plane.ts';
import { start, withoutTime } from './started-migration.ts';

test('GET shows how far source and destination are compared, and which documents differ', async () => {
  await using plane = await startControlPlane();
  const { report, show } = await start(plane);
  const shown = async () =>
    ((await show()).linkspan.progress as { verification?: Record<string, unknown> }).verification;
  const found = {
    namespace: 'shop.orders',
    key: '"\u202e7"',
    class: 'different',
    path: 'a.b',
    times: 1,
    sourceTime: { t: 1, i: 1 },
    destinationTime: { t: 2, i: 1 },
    foreign: true,
    open: true,
  };
  const verification = {
    ...verificationProgress('report'),
    phase: 'following',
    documentsCompared: 9,
    equalAtMs: 7_000,
    catalogDifferences: ['shop.orders: index missing a_1'],
    catalogDifferencesFound: 12,
    seesForeignWrites: true,
    cappedCollections: 1,
    etaSeconds: 4,
  } as const;
  await report({
    verification: { ...verification, mismatches: { found: 2, open: 1, latest: [{ ...found, firstSeenMs: 0 }] } },
  });
  assert.deepEqual(await shown(), {
    ...withoutTime(verification),
    equalAt: '1970-01-01T00:00:07Z',
    // A terminal would act on the character.
    mismatches: { found: 2, open: 1, latest: [{ ...found, key: '"\ufffd7"', firstSeen: '1970-01-01T00:00:00Z' }] },
  });
});

test('an agent that reports less of a verification is shown with what it reports', async () => {
  await using plane = await startControlPlane();
  const { report, show } = await start(plane);
  const shown = async () => (await show()).linkspan.progress as { verification?: Record<string, unknown> };
  const { catalogDifferencesFound, seesForeignWrites, cappedCollections, cappedUncertain, ...less } = withoutTime(
    verificationProgress('repair'),
  );
  const later = { catalogDifferencesFound, seesForeignWrites, cappedCollections, cappedUncertain, equalAtMs: null };
  await report({ verification: less as never });
  assert.deepEqual((await shown()).verification, less);
  for (const absent of Object.keys(later)) {
    const { [absent as 'equalAtMs']: _, ...others } = later;
    await report({ verification: { ...less, ...others } as never });
    const { equalAtMs, ...rest } = others as Partial<typeof later>;
    const expected = { ...less, ...rest, ...(equalAtMs === undefined ? {} : { equalAt: equalAtMs }) };
    assert.deepEqual((await shown()).verification, expected, absent);
  }
});

test('an agent whose version reports no verification, or another form of it, is shown with all the rest', async () => {
  await using plane = await startControlPlane();
  const { report, show } = await start(plane);
  const others = [undefined, { mode: 'repair' }, { ...verificationProgress('repair'), phase: 'a later one' }];
  for (const [index, verification] of others.entries()) {
    await report({ etaSeconds: index, verification: verification as never });
    const { progress } = (await show()).linkspan as { progress: Record<string, unknown> };
    assert.deepEqual([progress.etaSeconds, progress.verification], [index, undefined], JSON.stringify(verification));
  }
});
