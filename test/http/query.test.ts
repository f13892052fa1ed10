import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pageOf, readPresentation } from '../../src/http/index.ts';
import { UserError } from '../../src/platform/index.ts';

test('the pages of a list together are the list in order, for any page size, and each page links to the next', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (items, size) => {
      const seen: number[] = [];
      let query: string | undefined = `itemsPerPage=${size}`;
      for (let pages = 0; query !== undefined; pages += 1) {
        assert.ok(pages <= items.length / size + 1);
        const page: ReturnType<typeof pageOf<number>> = pageOf(items, new URLSearchParams(query), 'http://h/list');
        assert.equal(page.totalCount, items.length);
        seen.push(...page.results);
        query = page.links.find(({ rel }) => rel === 'next')?.href.split('?')[1];
      }
      assert.deepEqual(seen, items);
    }),
  );
});

test('a filter stays in the links, encoded', () => {
  const { links } = pageOf([1, 2], new URLSearchParams('name=a%20b%26c&itemsPerPage=1'), 'http://h/list');
  assert.equal(links[1]?.href, 'http://h/list?includeCount=true&name=a%20b%26c&itemsPerPage=1&pageNum=2');
});

test('any query is read, or refused with the name of the wrong parameter', () => {
  const value = fc.oneof(fc.string(), fc.constantFrom('true', 'TRUE', '1', '0', '-1', '1e3', '501', '99999999999', ''));
  const name = fc.constantFrom('pageNum', 'itemsPerPage', 'includeCount', 'pretty', 'envelope', 'name', '__proto__');
  const parameters = fc.array(fc.tuple(name, value));
  fc.assert(
    fc.property(
      fc.oneof(
        parameters.map((list) => new URLSearchParams(list).toString()),
        fc.string(),
      ),
      (text) => {
        const query = new URLSearchParams(text);
        try {
          readPresentation(query);
          const { results } = pageOf([1, 2, 3], query, 'http://h');
          assert.ok(results.length <= 3);
        } catch (error) {
          assert.ok(error instanceof UserError && error.code === 'INVALID_QUERY_PARAMETER', String(error));
          assert.ok(query.has(error.parameters[0] ?? ''));
        }
      },
    ),
    { numRuns: 500 },
  );
});
