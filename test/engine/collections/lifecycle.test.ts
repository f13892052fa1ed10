import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  afterEvent,
  COLLECTION_TRANSITIONS,
  type CollectionEvent,
  type CollectionEventName,
  type CollectionLifecycle,
  recordedLifecycle,
  recordedState,
  wasLive,
} from '../../../src/engine/collections/lifecycle.ts';

const KINDS = Object.keys(COLLECTION_TRANSITIONS.creating) as CollectionEventName[];

/** Random numbers. Each chooses one of the events that are possible in the current state. */
const sequences = fc.array(fc.nat(), { maxLength: 80 });

/** On average one of this many events is a drop, which ends the sequence. */
const DROP_EVERY = 40;

/** The lifecycle after the events that the numbers choose. */
function walk(
  choices: readonly number[],
  check: (before: CollectionLifecycle, event: CollectionEvent, after: CollectionLifecycle) => void,
): CollectionLifecycle {
  let now: CollectionLifecycle = { state: 'creating' };
  for (const choice of choices) {
    const row = COLLECTION_TRANSITIONS[now.state];
    const possible = KINDS.filter((kind) => row[kind] !== 'impossible' && kind !== 'dropped');
    const kind = choice % DROP_EVERY === 0 ? 'dropped' : possible[choice % possible.length];
    if (kind === undefined) continue;
    const event: CollectionEvent = kind === 'drain begun' ? { kind, ordered: choice % 2 === 0 } : { kind };
    const next = afterEvent(now, event);
    check(now, event, next);
    now = next;
  }
  return now;
}

test('a collection takes the state that the table names for an event, or keeps its own, or the event is refused', () => {
  const property = fc.property(sequences, (choices) => {
    walk(choices, (before, event, after) => {
      const outcome = COLLECTION_TRANSITIONS[before.state][event.kind];
      if (outcome === 'ignored') assert.equal(after, before);
      else assert.equal(after.state, outcome);
    });
  });
  fc.assert(property);
  assert.throws(() => afterEvent({ state: 'creating' }, { kind: 'drained' }), /creating/);
});

test('a collection that was live counts as done until it is copied again or dropped', () => {
  const property = fc.property(sequences, (choices) => {
    walk(choices, (before, { kind }, after) => {
      if (wasLive(before) && kind !== 'copy again' && kind !== 'dropped') assert.ok(wasLive(after));
      if (kind === 'copy again') assert.equal(wasLive(after), false);
      if (!wasLive(before) && wasLive(after)) assert.deepEqual([kind, after.state], ['drained', 'live']);
    });
  });
  fc.assert(property);
});

test('a successor never skips a copy, whenever the engine was killed', () => {
  const property = fc.property(sequences, (choices) => {
    let isCopied = false;
    const now = walk(choices, (_before, { kind }, after) => {
      if (kind === 'copied' && after.state === 'indexing') isCopied = true;
      if (after.state === 'pending' || after.state === 'planning') isCopied = false;
    });
    const onRecord = recordedState(now);
    if (onRecord === 'indexing' || onRecord === 'live') assert.ok(isCopied, `${now.state} was never copied`);
    assert.equal(recordedState(recordedLifecycle(onRecord, wasLive(now))), onRecord);
  });
  fc.assert(property);
});

test('every state is reached, and nothing happens to a collection that is gone', () => {
  const reached = new Set<string>(['creating']);
  const property = fc.property(sequences, (choices) => {
    walk(choices, (before, _event, after) => {
      if (before.state === 'gone') assert.equal(after, before);
      reached.add(after.state);
    });
  });
  fc.assert(property, { numRuns: 1_000 });
  assert.deepEqual([...reached].sort(), Object.keys(COLLECTION_TRANSITIONS).sort());
});
