import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differenceLines, verificationText } from '../../../src/cli/progress/verification.ts';
import { verificationProgress } from '../../../src/engine/report/verification-progress.ts';
import { comparing, mismatch, snapshot, tailing, verified } from './snapshots.ts';

const committed = (verification: ReturnType<typeof verified>) =>
  verificationText(snapshot({ state: 'committed', verification }));

test('the result of a verification says what was compared and what differed, and claims no more', () => {
  assert.equal(
    committed(verified()),
    'Verified: 2,000 documents in 3 collections compared, and 130 rechecks of changed documents. Nothing differs.',
  );
  assert.equal(
    committed(verified({ documentsRechecked: 0, foreignWrites: 5, mismatches: { found: 2, open: 0, latest: [] } })),
    'Verified: 2,000 documents in 3 collections compared. Others wrote 5 documents to the destination. 2 documents differed earlier and do not any more. Nothing differs.',
  );
  assert.equal(committed(verificationProgress('off')), 'Not verified: verification is switched off.');
  assert.equal(committed(verificationProgress('repair')), undefined, 'an earlier process has committed it');
});

test('an unfinished verification is never called verified', () => {
  const text = (verification: ReturnType<typeof verified>) => verificationText(tailing({ verification }));
  assert.equal(text(verificationProgress('repair')), 'Not verified yet: nothing was compared.');
  assert.equal(text(comparing()), 'Verification is incomplete: 500 of about 2,000 documents compared.');
  assert.equal(
    text(verified({ waiting: 1, documentsRechecked: 0 })),
    'Verification is incomplete: 2,000 documents in 3 collections compared; 1 document must still be compared again.',
  );
  assert.equal(
    text(verified({ documentsRechecked: 1, mismatches: { found: 3, open: 1, latest: [mismatch] } })),
    'Verification found differences: 2,000 documents in 3 collections compared, and 1 recheck of changed documents. ' +
      '2 documents differed earlier and do not any more. 1 document differs.',
  );
  assert.equal(
    text(
      verified({
        documentsRechecked: 0,
        catalogDifferences: ['shop.orders: index missing a_1', 'shop.items: options'],
      }),
    ),
    'Verification found differences: 2,000 documents in 3 collections compared. ' +
      'Catalogs differ: shop.orders: index missing a_1, and others.',
  );
  assert.doesNotMatch(text(verified({ catalogDifferences: null })) ?? '', /^Verified/);
  assert.doesNotMatch(text(comparing({ phase: 'a later one' as 'comparing' })) ?? '', /^Verified/);
});

test('differences are listed with namespace, key, class and path, and the rest is named', () => {
  const latest = [mismatch, { ...mismatch, key: '8', class: 'missing', path: null, foreign: false, open: false }];
  assert.deepEqual(
    differenceLines(
      verified({ mismatches: { found: 12, open: 1, latest }, catalogDifferences: ['shop.items: options'] }),
    ),
    [
      'shop.orders _id 7: different at `a.b`, written by somebody else on the destination (differs)',
      'shop.orders _id 8: missing (differs no more)',
      '10 other documents in `linkspan_internal.mismatches` on the destination',
      'shop.items: options',
    ],
  );
});
