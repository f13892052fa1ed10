import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inReport } from '../../src/agent/validator.ts';
import { findingOf } from '../../src/engine/index.ts';
import { UserError } from '../../src/platform/index.ts';

test('a report has errors first, and says how many findings it left out', () => {
  const [warning, error] = [new UserError('HOST_BUSY', ['3']), new UserError('SAME_CLUSTER')].map((one) =>
    findingOf(one),
  );
  assert.ok(warning && error);
  assert.deepEqual(inReport([warning, error], 2), [error, warning]);
  const [first, last, ...others] = inReport([warning, warning, error], 1);
  assert.deepEqual([first, last?.code, last?.severity, others], [error, 'FINDINGS_LEFT_OUT', 'WARNING', []]);
  assert.match(last?.message ?? '', /^2 more/);
});
