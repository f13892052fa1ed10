import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExposed } from '../../src/platform/private-file.ts';

const ROOT = 0;
const SERVICE = 65_532;

test("a secret must be readable by its user alone; only root's may be readable by a group as well", () => {
  const outcomes = [
    [0o600, SERVICE, SERVICE],
    [0o400, ROOT, SERVICE],
    [0o440, ROOT, SERVICE],
    [0o640, ROOT, SERVICE],
    [0o640, SERVICE, SERVICE],
    [0o640, ROOT, ROOT],
    [0o660, ROOT, SERVICE],
    [0o644, ROOT, SERVICE],
    [0o604, SERVICE, SERVICE],
  ] as const;
  const exposed = outcomes.map(([mode, uid, user]) => isExposed({ mode, uid }, user));
  assert.deepEqual(exposed, [false, false, false, false, true, true, true, true, true]);
});
