import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timestamp } from 'mongodb';
import { Watermark } from '../../../src/engine/capture/watermark.ts';
import { StreamProgress } from '../../../src/engine/run/stream-progress.ts';

const timeOf = (position: number) => new Timestamp(BigInt(position));
const at = (position: number) => ({ token: { _data: `82${position}` }, time: timeOf(position) });

/** A stream that was dispatched up to 10, and a search for unstreamed writes. Nothing waits. */
function progressAt() {
  const state = { uncompared: Number.POSITIVE_INFINITY, searchedTo: timeOf(10) };
  const oldest = { unapplied: () => Number.POSITIVE_INFINITY, uncompared: () => state.uncompared };
  const watermark = new Watermark(at(0), oldest);
  watermark.dispatched({ ...at(10), sequence: 1, bytes: 0 });
  const { uncompared } = oldest;
  const progress = new StreamProgress({ watermark, uncompared, searchedTo: () => state.searchedTo });
  return { state, watermark, progress };
}

test('a time counts as compared only when unstreamed writes up to it are known', () => {
  const { state, watermark, progress } = progressAt();
  assert.equal(progress.hasCompared(timeOf(10)), true);
  watermark.passed(at(20));
  assert.deepEqual([progress.hasCompared(timeOf(20)), Number(progress.comparedTo)], [false, 10]);
  state.searchedTo = timeOf(20);
  assert.deepEqual([progress.hasCompared(timeOf(20)), Number(progress.comparedTo)], [true, 20]);
});

test('unstreamed writes whose keys wait behind all marks of the stream are not passed before they are compared', () => {
  const { state, watermark, progress } = progressAt();
  // Batches without changes have numbers, and no marks.
  watermark.passed(at(20));
  state.uncompared = 7;
  progress.appliedUnstreamed(7);
  state.searchedTo = timeOf(20);
  assert.equal(progress.hasApplied(timeOf(20)), true);
  assert.deepEqual([progress.hasCompared(timeOf(11)), Number(progress.comparedTo)], [false, 10]);
  state.uncompared = 8;
  assert.deepEqual([progress.hasCompared(timeOf(20)), Number(progress.comparedTo)], [true, 20]);
});

test('unstreamed writes without an end let the position of the search advance', () => {
  const { state, watermark, progress } = progressAt();
  watermark.passed(at(40));
  for (const sequence of [7, 8, 9]) {
    state.uncompared = sequence;
    progress.appliedUnstreamed(sequence);
    state.searchedTo = timeOf(10 * (sequence - 5));
    assert.equal(Number(progress.comparedTo), 10 * (sequence - 6));
  }
});
