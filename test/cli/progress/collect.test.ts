import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressCollector } from '../../../src/cli/progress/collect.ts';
import { copied, snapshot, tailing } from './snapshots.ts';

test('a copy shows its rate and the time that is left, once it was watched long enough', () => {
  const collector = new ProgressCollector();
  const first = collector.collect(copied(0), 0);
  assert.deepEqual([first.bytesPerSecond, first.etaSeconds, first.fraction], [null, null, 0]);
  assert.equal(collector.collect(copied(500_000), 1_000).bytesPerSecond, null);
  const view = collector.collect(copied(1_000_000), 4_000);
  assert.deepEqual([view.bytesPerSecond, view.etaSeconds, view.fraction], [250_000, 12, 0.25]);
});

test('the rate is that of the last seconds: a stall shows, and so does the end of one', () => {
  const collector = new ProgressCollector();
  for (let second = 0; second <= 20; second += 1) collector.collect(copied(second * 100_000), second * 1_000);
  let view = collector.collect(copied(2_000_000), 21_000);
  for (let second = 22; second <= 40; second += 1) view = collector.collect(copied(2_000_000), second * 1_000);
  assert.deepEqual([view.bytesPerSecond, view.etaSeconds], [0, null]);
  for (let second = 41; second <= 60; second += 1) {
    view = collector.collect(copied(2_000_000 + (second - 40) * 50_000), second * 1_000);
  }
  assert.equal(view.bytesPerSecond, 50_000);
});

test('the time until the destination has caught up follows from how fast the lag falls', () => {
  const collector = new ProgressCollector();
  collector.collect(tailing({ lagSeconds: 60 }), 0);
  assert.equal(collector.collect(tailing({ lagSeconds: 40 }), 4_000).etaSeconds, 8);
  assert.equal(collector.collect(tailing({ lagSeconds: 70 }), 8_000).etaSeconds, null, 'a growing lag has no end');
});

const underRepair = {
  declared: 1,
  atMs: 0,
  reason: 'the oplog went round',
  collections: 3,
  collectionsDone: 1,
  documentsCompared: 1_234,
  keysDiffered: 5,
};

test('each state of the engine has a phase that people understand', () => {
  const phase = (progress: ReturnType<typeof snapshot>) => new ProgressCollector().collect(progress, 0).phase;
  const allCopied = { ...snapshot().copy, collectionsDone: 3 };
  assert.equal(phase(snapshot({ state: 'created' })), 'preparing');
  assert.equal(phase(snapshot()), 'copying');
  assert.equal(phase(snapshot({ copy: allCopied })), 'building indexes');
  assert.equal(phase(tailing()), 'catching up');
  assert.equal(phase(tailing({ repairs: underRepair })), 'repairing');
  assert.equal(phase(tailing({ repairs: { ...underRepair, collectionsDone: 3 } })), 'catching up');
  assert.equal(phase(tailing({ readyForCutover: true })), 'in step');
  assert.equal(phase(snapshot({ state: 'committing' })), 'cutting over');
  assert.equal(phase(snapshot({ state: 'committed' })), 'done');
  assert.equal(phase(snapshot({ state: 'failed' })), 'failed');
});

test('a new phase begins with no rate of the old one', () => {
  const collector = new ProgressCollector();
  collector.collect(copied(0), 0);
  collector.collect(copied(4_000_000), 4_000);
  assert.equal(collector.collect(tailing(), 4_500).bytesPerSecond, null);
});
