import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf } from '../../../src/contract/index.ts';
import { isCutOff } from '../../../src/engine/report/cut-off.ts';

test('a migration is cut off once it has waited for one of its clusters for 20 s', () => {
  const wait = (what: string, since: number) => [{ for: what, since: dateOf(since), reason: 'none' }];
  for (const cluster of ['the source', 'the destination']) {
    assert.equal(isCutOff(wait(cluster, 1_000), 20_999), false);
    assert.equal(isCutOff(wait(cluster, 1_000), 21_000), true);
  }
  assert.equal(isCutOff(wait('shop.orders', 0), 60_000), false, 'another host would wait for that, too');
  assert.equal(isCutOff([], 60_000), false);
});
