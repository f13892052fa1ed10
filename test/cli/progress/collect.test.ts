import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viewOf } from '../../../src/cli/progress/collect.ts';
import { comparing, snapshot, tailing, verified } from './snapshots.ts';

const underRepair = {
  declared: 1,
  atMs: 0,
  reason: 'the oplog went round',
  collections: 3,
  collectionsDone: 1,
  documentsCompared: 1_234,
  keysDiffered: 5,
};

test('each state of the engine has a phase', () => {
  const phase = (progress: ReturnType<typeof snapshot>) => viewOf(progress, 0).phase;
  const allCopied = { ...snapshot().copy, collectionsDone: 3 };
  assert.equal(phase(snapshot({ state: 'created' })), 'preparing');
  assert.equal(phase(snapshot()), 'copying');
  assert.equal(phase(snapshot({ copy: allCopied })), 'building indexes');
  assert.equal(phase(tailing()), 'catching up');
  assert.equal(phase(tailing({ repairs: underRepair })), 'repairing');
  assert.equal(phase(tailing({ repairs: { ...underRepair, collectionsDone: 3 } })), 'catching up');
  assert.equal(phase(tailing({ verification: comparing() })), 'verifying');
  assert.equal(phase(tailing({ verification: verified() })), 'catching up');
  assert.equal(phase(tailing({ readyForCutover: true })), 'in sync');
  assert.equal(phase(snapshot({ state: 'committing' })), 'cutting over');
  assert.equal(phase(snapshot({ state: 'committed' })), 'done');
  assert.equal(phase(snapshot({ state: 'failed' })), 'failed');
});
