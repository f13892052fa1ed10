import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { chapters, decisions, ROOT } from '../../docs/.vitepress/contents.ts';

const PAGES = globSync('docs/**/*.md', { cwd: ROOT });
const isDecision = (page: string) => page.startsWith('docs/adr/0');
const read = (page: string) => readFileSync(`${ROOT}${page}`, 'utf8');

test('the contents of the manual list every page once, by task', () => {
  const listed = [...chapters().flatMap(({ entries }) => entries), ...decisions()].map(({ path }) => path);
  assert.deepEqual(
    chapters().map(({ title }) => title),
    [
      'Get started',
      'Plan',
      'Migrate',
      'Verify',
      'Cut over and go back',
      'Operate',
      'Secure',
      'Reference',
      'How it is built',
    ],
  );
  assert.deepEqual(
    listed.filter((page) => page.startsWith('docs/')).sort(),
    PAGES.filter((page) => page !== 'docs/index.md').sort(),
  );
});

test('every page but the records of decisions begins with whom it is for', () => {
  const pages = PAGES.filter((page) => !isDecision(page));
  assert.ok(pages.length > 40, `${pages.length} pages`);
  assert.deepEqual(
    pages.filter((page) => !/^# .+\n\nFor [a-z]/.test(read(page))),
    [],
  );
});

test('no page but the generated reference of the API has 300 lines', () => {
  const tooLong = PAGES.filter((page) => read(page).split('\n').length > 300);
  assert.deepEqual(tooLong, ['docs/reference/api.md']);
});
