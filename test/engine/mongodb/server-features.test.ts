import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, OLDEST_VERSION, sourceFeatures } from '../../../src/engine/mongodb/server-features.ts';

test('versions are compared by major and minor number', () => {
  const isTooOld = (version: string) => compareVersions(version, OLDEST_VERSION.source) < 0;
  assert.deepEqual(['4.4.29', '4.9', '3.6.23'].map(isTooOld), [true, true, true]);
  assert.deepEqual(['5.0', '5.0.4', '5.3.1', '6.0', '10.0.0'].map(isTooOld), [false, false, false, false, false]);
  assert.ok(compareVersions('5.0.31', OLDEST_VERSION.destination) < 0);
  assert.equal(compareVersions('6.0.5', '6.0.27'), 0);
});

test('an older source is not asked for features of 6.0', () => {
  assert.deepEqual(new Set(Object.values(sourceFeatures('5.0'))), new Set([false]));
  const { mayShowGroups, ...others } = sourceFeatures('6.0');
  assert.deepEqual(new Set(Object.values(others)), new Set([true]));
  assert.equal(mayShowGroups, false);
  assert.deepEqual(new Set(Object.values(sourceFeatures('8.0'))), new Set([true]));
});
