import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isId, newId } from '../../src/platform/index.ts';

describe('an identifier', () => {
  it('has the format of an Atlas identifier, and begins with its time', () => {
    const id = newId(Date.UTC(2026, 0, 1));
    assert.ok(isId(id));
    assert.equal(Number.parseInt(id.slice(0, 8), 16), Date.UTC(2026, 0, 1) / 1_000);
  });

  it('is unique', () => {
    assert.equal(new Set(Array.from({ length: 1_000 }, () => newId(0))).size, 1_000);
  });

  it('is recognized by its format alone', () => {
    for (const text of ['', 'x'.repeat(24), 'A'.repeat(24), '0'.repeat(23), '0'.repeat(25), `${'0'.repeat(24)}\n`]) {
      assert.equal(isId(text), false, JSON.stringify(text));
    }
  });
});
