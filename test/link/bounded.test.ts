import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded, leftOut } from '../../src/link/bounded.ts';

test('texts of an agent are shortened, and have no characters that hide or move text', () => {
  assert.equal(bounded('a\u001b[31mb\tc\n\u202ed'), 'a\ufffd[31mb\tc\n\ufffdd');
  assert.equal(String(bounded('x'.repeat(9_000))).length, 4_000);
  const position = '82'.repeat(20_000);
  assert.equal(bounded(position), position, 'a position of a change stream is not a text for people');
  assert.equal(String(bounded(`${position}82`)).length, 4_000);
});

test('lists and objects of an agent are cut, and what is nested too deep is null', () => {
  assert.equal((bounded(Array.from({ length: 5_000 }, (_, n) => n)) as unknown[]).length, 1_000);
  const fields = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`f${n}`, n]));
  assert.equal(Object.keys(bounded(fields) as object).length, 200);
  let nested: unknown = 1;
  for (let depth = 0; depth < 10_000; depth += 1) nested = { nested };
  assert.ok(JSON.stringify(bounded(nested)).length < 200);
});

test('what validation left out is named by its path, items of a list once', () => {
  const sent = {
    a: 1,
    new: 2,
    list: [
      { b: 1, extra: 1 },
      { b: 2, extra: 2 },
    ],
    unread: { c: 1 },
    none: null,
  };
  const taken = { a: 1, list: [{ b: 1 }, { b: 2 }], unread: null };
  assert.deepEqual(leftOut(sent, taken), ['new', 'list[].extra', 'unread']);
  assert.deepEqual(leftOut(taken, taken), []);
});

test('a message has at most 100,000 values, whatever its lists and objects have', () => {
  const lists = Array.from({ length: 1_000 }, () => Array.from({ length: 1_000 }, () => 0));
  const values = (bounded(lists) as readonly (readonly number[] | null)[]).map((list) => list?.length ?? 0);
  assert.deepEqual([values[0], values.at(-1)], [1_000, 0]);
  assert.equal(
    values.reduce((sum, length) => sum + length),
    99_000,
  );
});
