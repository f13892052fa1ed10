import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Migration } from '../../src/control/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { cutoverReport } from '../atlas-api/migration-world.ts';
import { start } from '../atlas-api/started-migration.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { mismatch } from './progress/snapshots.ts';

const MARK = 'canary';

/** Replaces each text, at any depth, but for the ids by which the store finds the record. */
function marked(value: unknown): unknown {
  if (typeof value === 'string') return MARK;
  if (Array.isArray(value)) return value.map(marked);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, marked(one)]));
}

// id: bundle-without-texts
test('a support bundle has no text of a migration, whatever an agent has reported', async () => {
  await using plane = await startControlPlane();
  const { id, report } = await start(plane);
  await report({
    error: { code: 'X', message: 'm', remedy: 'r' },
    waiting: [{ for: 'a', since: '2026-01-01T00:00:00.000Z', reason: 'b' }],
    cutoverReport: cutoverReport('a warning'),
  });
  await plane.store.write(async (transaction) => {
    const migration = await transaction.get('migrations', id);
    assert.ok(migration);
    const { progress, state } = migration;
    const watch = { token: MARK, until: MARK, watchedTo: MARK, changes: 1, namespaces: [MARK] };
    const all = { ...progress, verification: { ...progress?.verification, mismatches: { latest: [mismatch] } } };
    const changed = { state: { ...state, ...(marked(state) as object), sourceWatch: watch }, progress: marked(all) };
    await transaction.update('migrations', { ...migration, ...changed } as Migration);
  });
  using folder = temporaryFolder('bundle');
  const file = join(folder.path, 'bundle.json');
  await using run = runLinkspan(['support-bundle', '--data-dir', plane.directory, '--file', file]);
  assert.equal((await run.exit).code, 0, run.stderr);
  const text = readFileSync(file, 'utf8');
  assert.ok(!text.includes(MARK), text);
  const [shown] = JSON.parse(text).organizations[0].migrations;
  assert.deepEqual([shown.id, shown.isSourceWatched, shown.progress.copy.documentsCopied], [id, true, 1]);
});
