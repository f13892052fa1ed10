import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EntryState } from '../../../src/cli/fleets/fleet-state.ts';
import { nextEntries } from '../../../src/cli/fleets/next-entries.ts';

/** Reads states from `name:wave:STATE`, on agent m. */
const states = (text: string): EntryState[] =>
  text.split(' ').map((one) => {
    const [entry = '', wave, state] = one.split(':');
    return { entry, wave: Number(wave), agent: 'm', state: state as EntryState['state'] };
  });
const next = (text: string, places = 9, others: EntryState[] = []) => nextEntries(states(text), others, () => places);

test('a wave begins when all entries of earlier waves are ready or complete, and not before', () => {
  for (const [text, begin, isOver] of [
    ['a:1:WAITING b:1:WAITING c:2:WAITING', ['a', 'b'], false],
    ['a:1:RUNNING b:1:READY c:2:WAITING', [], false],
    ['a:1:COMPLETE b:1:READY c:2:WAITING d:7:WAITING', ['c'], false],
    ['a:1:READY b:2:COMPLETE', [], true],
  ] as const)
    assert.deepEqual(next(text), { begin, isOver }, text);
});

test('a failed entry holds later waves, lets its own continue, and ends the apply once nothing runs', () => {
  for (const [text, begin, isOver] of [
    ['a:1:FAILED b:1:WAITING c:2:WAITING', ['b'], false],
    ['a:1:FAILED b:1:RUNNING c:2:WAITING', [], false],
    ['a:1:FAILED b:1:READY c:2:WAITING', [], true],
    // An earlier run has begun c.
    ['a:1:FAILED b:1:READY c:2:RUNNING', [], false],
  ] as const)
    assert.deepEqual(next(text), { begin, isOver }, text);
});

test('an entry takes a place on its agent until it is ready, and so does an unmanaged one', () => {
  assert.deepEqual(next('a:1:RUNNING b:1:WAITING c:1:WAITING', 2).begin, ['b']);
  assert.deepEqual(next('a:1:READY b:1:WAITING c:1:WAITING', 2).begin, ['b', 'c']);
  const full = next('a:1:RUNNING b:1:WAITING', 2, states('old:1:RUNNING'));
  assert.deepEqual(full, { begin: [], isOver: false });
});
