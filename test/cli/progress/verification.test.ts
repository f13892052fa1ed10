import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differenceLines, isVerified, verificationText } from '../../../src/cli/progress/verification.ts';
import type { Progress } from '../../../src/contract/index.ts';
import { verificationProgress } from '../../../src/engine/report/verification-progress.ts';
import { comparing, mismatch, snapshot, tailing, verified } from './snapshots.ts';

type Verification = Progress['verification'];

const committed = (verification: Verification) => verificationText(snapshot({ state: 'COMMITTED', verification }));
const running = (verification: Verification) => verificationText(tailing({ verification }));

const EQUAL = 'equal at 2026-11-26T20:41:07Z for 2,000 documents in 3 collections';

test('the result of a verification says since when both sides are equal, for what, and what was compared again', () => {
  for (const text of [committed, running]) {
    assert.equal(
      text(verified()),
      `Verified: ${EQUAL}; 130 comparisons of documents after their last change found them equal. Nothing differs.`,
    );
    assert.equal(text(verified({ documentsRechecked: 0 })), `Verified: ${EQUAL}. Nothing differs.`);
  }
  assert.equal(
    committed(
      verified({ documentsRechecked: 0, externalWrites: 5, mismatches: { found: 2, open: 0, latest: [mismatch] } }),
    ),
    `Verified: ${EQUAL}. Others wrote 5 documents to the destination. 2 documents differed earlier and do not any more. Nothing differs.`,
  );
  assert.equal(committed(verificationProgress('OFF')), 'Not verified: verification is switched off.');
  const unread = verificationProgress('REPAIR');
  assert.equal(running(unread), 'Not verified yet: nothing was compared.');
  assert.equal(
    verificationText(snapshot({ state: 'FAILED', verification: unread })),
    'Not verified: nothing was compared.',
  );
  assert.equal(committed(unread), undefined, 'an earlier process has committed it');
});

test('a result names what it does not cover: unseen writes of others, later changes, and capped collections', () => {
  assert.equal(
    running(verified({ documentsRechecked: 0, seesExternalWrites: false })),
    `Verified, unless others wrote to the destination: ${EQUAL}. ` +
      "The destination's oplog can't be read, so writes of others there stay unseen. Nothing that was compared differs.",
  );
  assert.equal(
    running(verified({ documentsRechecked: 0, waiting: 1 })),
    `Verified: ${EQUAL}. 1 document changed after that time and must still be compared. Nothing that was compared differs.`,
  );
  assert.equal(
    committed(verified({ documentsRechecked: 0, waiting: 2 })),
    `Verified: ${EQUAL}. 2 documents changed after that time and were not compared any more. Nothing that was compared differs.`,
  );
  assert.equal(
    running(verified({ documentsRechecked: 0, cappedCollections: 1 })),
    `Verified: ${EQUAL}. This leaves out 1 capped collection: its oldest and newest documents and its count ` +
      'are compared only before the commit. Nothing that was compared differs.',
  );
  assert.equal(
    committed(verified({ documentsRechecked: 0, cappedCollections: 2 })),
    `Verified: ${EQUAL}. This leaves out 2 capped collections: their oldest and newest documents and their counts ` +
      'were compared before the commit. Nothing differs.',
  );
  assert.equal(
    committed(verified({ documentsRechecked: 0, cappedCollections: 2, cappedUncertain: ['shop.log'] })),
    `Verified, except for 1 capped collection: ${EQUAL}. 1 capped collection changed or differed when last compared, and may differ: shop.log. ` +
      'This leaves out 2 capped collections: their oldest and newest documents and their counts ' +
      'were compared before the commit. Nothing that was compared differs.',
  );
});

test('without a proven time nothing is called verified', () => {
  assert.equal(running(verificationProgress('REPAIR')), 'Not verified yet: nothing was compared.');
  assert.equal(running(comparing()), 'Verification is incomplete: 500 of about 2,000 documents compared.');
  const unproven = verified({ documentsRechecked: 0, equalAt: null });
  assert.equal(
    running(unproven),
    'Verification is incomplete: 2,000 documents in 3 collections compared; no time is proven at which both sides are equal.',
  );
  assert.equal(
    running({ ...unproven, waiting: 1 }),
    'Verification is incomplete: 2,000 documents in 3 collections compared; 1 document must still be compared again.',
  );
  assert.equal(committed(unproven), 'Compared: 2,000 documents in 3 collections. Nothing that was compared differs.');
  for (const claim of [
    verified({ catalogDifferences: null }),
    verified({ phase: 'a later one' as 'COMPARING' }),
    verified({ mode: 'OFF' }),
    verified({ mismatches: { found: 1, open: 1, latest: [] } }),
    verified({ catalogDifferencesFound: 1 }),
  ]) {
    for (const text of [committed, running]) assert.doesNotMatch(text(claim) ?? '', /^Verified|Nothing/);
  }
});

test('differences come before every claim, and all of them are counted', () => {
  assert.equal(
    running(verified({ mismatches: { found: 3, open: 1, latest: [mismatch] } })),
    'Verification found differences: 2,000 documents in 3 collections compared. ' +
      '2 documents differed earlier and do not any more. 1 document differs.',
  );
  const [missing, options] = ['shop.orders: index missing a_1', 'shop.items: options'] as const;
  assert.equal(
    running(verified({ catalogDifferences: [missing, options], catalogDifferencesFound: 12 })),
    'Verification found differences: 2,000 documents in 3 collections compared. ' +
      'Catalogs differ: shop.orders: index missing a_1, and 11 other differences.',
  );
  assert.equal(
    running(comparing({ catalogDifferences: [missing], catalogDifferencesFound: 1 })),
    'Verification is incomplete: 500 of about 2,000 documents compared. Catalogs differ: shop.orders: index missing a_1.',
  );
});

test('a result is a warning unless both sides are proven equal and writes of others would have been seen', () => {
  const is = (verification: Verification) => isVerified(tailing({ verification }));
  assert.equal(is(verified()), true);
  for (const verification of [
    verificationProgress('OFF'),
    verificationProgress('REPAIR'),
    comparing(),
    verified({ equalAt: null }),
    verified({ seesExternalWrites: false }),
    verified({ cappedUncertain: ['shop.log'] }),
    verified({ mismatches: { found: 1, open: 1, latest: [] } }),
    verified({ catalogDifferences: ['shop.items: options'] }),
  ]) {
    assert.equal(is(verification), false, JSON.stringify(verification));
  }
});

test('differences are listed with namespace, key, class and path, and the rest is counted', () => {
  const key = '{"$numberInt":"8"}';
  const latest = [mismatch, { ...mismatch, key, class: 'MISSING' as const, path: null, external: false, open: false }];
  assert.deepEqual(
    differenceLines(
      verified({
        mismatches: { found: 12, open: 1, latest },
        catalogDifferences: ['shop.items: options'],
        catalogDifferencesFound: 3,
      }),
    ),
    [
      'shop.orders _id {"$numberInt":"7"}: different at `a.b`, written by another client on the destination (differs)',
      'shop.orders _id {"$numberInt":"8"}: missing (differs no more)',
      '10 other documents in `linkspan_internal.mismatches` on the destination',
      'shop.items: options',
      '2 other differences of the catalogs in the log',
    ],
  );
});
