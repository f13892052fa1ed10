import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { issueOf, readBody } from '../../src/http/index.ts';
import { UserError } from '../../src/platform/index.ts';

const schema = z.strictObject({
  name: z.string().min(1).max(5),
  kind: z.enum(['A', 'B']).optional(),
  inner: z.strictObject({ flags: z.array(z.boolean()).max(3) }),
  odd: z
    .string()
    .check((context) => {
      if (context.value !== 'odd')
        context.issues.push({ ...issueOf('GROUP_MISMATCH', ['a', 'b']), input: context.value });
    })
    .optional(),
});
const good = { name: 'n', kind: 'A', inner: { flags: [true] } };

const read = (value: unknown) =>
  readBody(schema, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

function errorOf(value: unknown): [string, readonly string[]] {
  try {
    read(value);
  } catch (error) {
    assert.ok(error instanceof UserError);
    return [error.code, error.parameters];
  }
  throw new Error('it was taken');
}

test('a valid body is read as it was sent', () => {
  assert.deepEqual(read(good), good);
});

test('an error in a body names the path of the wrong attribute', () => {
  const cases: [unknown, string, string[]][] = [
    ['{"name":', 'MALFORMED_JSON', []],
    ['[]', 'INVALID_JSON', []],
    [{ ...good, inner: {} }, 'MISSING_ATTRIBUTE', ['inner.flags']],
    [{ ...good, inner: { flags: [1] } }, 'INVALID_JSON_ATTRIBUTE', ['inner.flags.0']],
    [{ ...good, inner: { flags: [], more: 1 } }, 'INVALID_ATTRIBUTE', ['inner.more']],
    [{ ...good, kind: 'C' }, 'INVALID_ENUM_VALUE', ['kind', 'A, B']],
    [{ ...good, odd: 'even' }, 'GROUP_MISMATCH', ['a', 'b']],
  ];
  for (const [body, code, parameters] of cases) assert.deepEqual(errorOf(body), [code, parameters]);
  assert.equal(errorOf({ ...good, name: '' })[0], 'VALIDATION_ERROR');
});

test('any bytes are read or refused with a client error, whether they are JSON or not', () => {
  const near = fc.record(
    { name: fc.jsonValue(), kind: fc.jsonValue(), inner: fc.jsonValue(), odd: fc.string() },
    { requiredKeys: [] },
  );
  const bytes = fc.oneof(
    fc.uint8Array().map((array) => Buffer.from(array)),
    fc.json().map((text) => Buffer.from(text)),
    near.map((value) => Buffer.from(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(bytes, (body) => {
      try {
        readBody(schema, body);
      } catch (error) {
        assert.ok(error instanceof UserError, String(error));
        assert.ok(error.definition.status >= 400 && error.definition.status < 500);
      }
    }),
    { numRuns: 500 },
  );
});

test('a body in another encoding than UTF-8 is malformed', () => {
  assert.throws(() => readBody(schema, Buffer.from('{"name":"\xe4"}', 'latin1')), { code: 'MALFORMED_JSON' });
});
