import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('every dependency is pinned and has a line in docs/internals/dependencies.md', () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json'));
  const all: Record<string, string> = { ...dependencies, ...devDependencies, ...optionalDependencies };
  const listed = new Set([...read('docs/internals/dependencies.md').matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  assert.ok(Object.keys(all).length > 10);
  for (const [name, version] of Object.entries(all)) {
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name} is not pinned`);
    assert.ok(listed.has(name), `${name} has no line`);
  }
});
