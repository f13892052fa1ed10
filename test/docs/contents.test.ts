import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { chapters, decisions, ROOT } from '../../docs/.vitepress/contents.ts';
import { BUILT } from './documents.ts';

const COMMITTED = globSync('docs/**/*.md', { cwd: ROOT }).filter((page) => !(page in BUILT));
const PAGES = [...COMMITTED, ...Object.keys(BUILT).filter((file) => file.endsWith('.md'))];
const isDecision = (page: string) => page.startsWith('docs/adr/0');
const read = (page: string) => BUILT[page]?.('') ?? readFileSync(`${ROOT}${page}`, 'utf8');

test('the contents of the manual list every page once, by task', () => {
  const listed = [...chapters().flatMap(({ entries }) => entries), ...decisions()].map(({ path }) => path);
  assert.deepEqual(
    chapters().map(({ title }) => title),
    [
      'Get started',
      'Plan',
      'Migrate',
      'Verify',
      'Cut over and fail back',
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

test('no page but the generated references of the API and the errors has 300 lines', () => {
  const written = COMMITTED.filter((page) => page !== 'docs/reference/errors.md');
  const tooLong = written.filter((page) => read(page).split('\n').length > 300);
  assert.deepEqual(tooLong, []);
});

test('the page of each command explains all of its flags', () => {
  const rows = read('docs/reference/interfaces.md').matchAll(/^\| `([a-z]+)` \| (.*`--.*) \|$/gm);
  const flagsOf = new Map([...rows].map(([, command = '', flags = '']) => [command, flags.match(/--[\w-]+/g) ?? []]));
  for (const [command, page] of Object.entries({
    serve: 'operate/control-plane',
    agent: 'operate/agent',
    sync: 'migrate/sync',
    plan: 'plan/plan-a-migration',
    probe: 'plan/probe',
    verify: 'verify/compare-clusters',
    digest: 'verify/digests',
    cleanup: 'operate/clean-up',
    apply: 'operate/fleets',
  })) {
    const text = read(`docs/${page}.md`);
    const flags = flagsOf.get(command) ?? [];
    assert.ok(flags.length > 2, command);
    assert.deepEqual(
      flags.filter((flag) => !new RegExp(`${flag}\\b(?!-)`).test(text)),
      [],
      page,
    );
  }
});
