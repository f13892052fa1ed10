import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  areReady,
  dateOf,
  GATES,
  type Gate,
  type GateName,
  refusalsOf,
  showGates,
} from '../../../src/contract/index.ts';
import { gatesOf, type ReadinessFacts } from '../../../src/engine/report/readiness.ts';
import { healthyFacts, healthyStream, steady } from './healthy-facts.ts';

const CONTROL_PLANE = ['AGENT', 'REQUEST', 'WINDOW'];
const wait = { for: 'the source', since: dateOf(0), reason: 'it does not answer' };
const healthy = healthyFacts;
const stream = healthyStream;

const reading = fc.record({
  ageMs: fc.integer({ min: 0, max: 20_000 }),
  awakeMs: fc.integer({ min: 0, max: 20_000 }),
  isKnown: fc.boolean(),
  isSteady: fc.boolean(),
  steadyInMs: fc.integer({ min: 0, max: 60_000 }),
});
/** Mostly a healthy migration, with one or several faults. */
function mostly<T>(value: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other });
}
const count = fc.integer({ min: 0, max: 3 });
const facts: fc.Arbitrary<ReadinessFacts> = fc.record({
  nowMs: fc.constant(1e12),
  state: mostly<ReadinessFacts['state']>(
    'FOLLOWING',
    fc.constantFrom('CREATED', 'PREPARING', 'COPYING', 'PAUSED', 'COMMITTING', 'COMMITTED', 'CANCELLED', 'FAILED'),
  ),
  isPaused: mostly(false, fc.constant(true)),
  collections: mostly(healthy.collections, fc.record({ total: count, copied: count, live: count })),
  indexes: fc.record({ total: count, built: count }),
  suspect: mostly<readonly string[]>([], fc.array(fc.constant('shop.orders'))),
  drops: mostly<ReadinessFacts['drops']>(
    healthy.drops,
    fc.record({ any: fc.boolean(), wait: fc.constantFrom(undefined, wait) }),
  ),
  waits: mostly<ReadinessFacts['waits']>([], fc.array(fc.constant(wait))),
  displaced: mostly<ReadinessFacts['displaced']>([], fc.array(fc.constant(wait))),
  attempt: mostly<ReadinessFacts['attempt']>(undefined, fc.constant(wait)),
  stream: mostly<ReadinessFacts['stream']>(
    stream,
    fc.option(
      fc.record({
        allLive: fc.boolean(),
        lagSeconds: fc.option(fc.integer({ min: 0, max: 20 })),
        applied: reading,
        compared: reading,
        whyUnanswered: fc.constantFrom(undefined, 'it is gone'),
        verification: fc.record({
          mode: fc.constantFrom('REPAIR' as const, 'REPORT' as const, 'OFF' as const),
          isSettled: fc.boolean(),
          ranges: fc.constant([]),
          collectionsDone: count,
          rechecks: fc.record({ size: count }),
          mismatches: fc.record({ found: count, open: count, latest: fc.constant([]) }),
          catalog: fc.record({
            differences: fc.constantFrom(
              undefined,
              [],
              [{ namespace: 'shop.a', destinationNamespace: 'shop.a', class: 'INDEX_MISSING' as const, name: 'a_1' }],
            ),
          }),
          external: fc.constant(stream.verification.external),
        }),
        oplog: fc.constantFrom(null, { windowSeconds: 9, leftSeconds: 1, headroomPercent: 2 }),
      }),
      { nil: undefined },
    ),
  ),
  conditions: fc.record({
    activity: fc.constantFrom<ReadinessFacts['conditions']['activity'][]>(
      undefined,
      { atMs: 1, whyUnknown: 'not authorized' },
      { atMs: 1, value: { transactions: [{ application: 'shop', seconds: 9 }], indexBuilds: [] } },
    ),
    sourceBlock: fc.constantFrom<ReadinessFacts['conditions']['sourceBlock'][]>(undefined, {
      atMs: 1,
      value: 'another',
    }),
    destinationIsBlocked: fc.constantFrom<ReadinessFacts['conditions']['destinationIsBlocked'][]>(
      undefined,
      { atMs: 1, value: undefined },
      { atMs: 1, value: false },
    ),
  }),
  destination: fc.record({ keepsOthers: fc.boolean(), wasBlocked: fc.boolean() }),
  eta: fc.constant(healthy.eta),
});

/** Everything that must hold before a cutover, written down a second time. */
function mayBegin(facts: ReadinessFacts): boolean {
  const { state, isPaused, suspect, drops, waits, attempt, stream: follower } = facts;
  if (state !== 'FOLLOWING' || isPaused || suspect.length > 0 || drops.any || drops.wait !== undefined) return false;
  if (waits.length > 0 || attempt !== undefined || follower === undefined) return false;
  const { allLive, lagSeconds, applied, compared, verification } = follower;
  if (!allLive || lagSeconds === null || lagSeconds > 10) return false;
  if (!applied.isKnown || !applied.isSteady || applied.ageMs > 10_000) return false;
  if (verification.mode === 'OFF') return true;
  if (!verification.isSettled || verification.mismatches.open > 0 || !compared.isKnown || compared.ageMs > 10_000)
    return false;
  return verification.catalog.differences?.length === 0;
}

test('a migration is ready only when all of it is live, applied, compared and equal, and nothing waits', () => {
  let ready = 0;
  fc.assert(
    fc.property(facts, (given) => {
      const gates = gatesOf(given);
      const isReady = areReady(gates);
      if (isReady) ready += 1;
      if (isReady) assert.ok(mayBegin(given), JSON.stringify(given));
      assert.equal(isReady, refusalsOf(gates).length === 0);
      for (const gate of gates) assert.equal(gate.reasons.length === 0, gate.state === 'PASSED', gate.name);
    }),
    { numRuns: 5_000 },
  );
  assert.ok(ready > 500, `it was ready only ${ready} times`);
});

test('a healthy migration passes all gates of an engine, and no gate is missing', () => {
  const gates = gatesOf(healthy);
  assert.deepEqual(
    gates.filter(({ state }) => state !== 'PASSED'),
    [],
  );
  assert.deepEqual([...gates.map(({ name }) => name), ...CONTROL_PLANE].sort(), Object.keys(GATES).sort());
  assert.equal(areReady(gates), true);
});

test('each fault closes its own gate, and says so', () => {
  const unseen = { shard: 'b', whyUnknown: 'it is silent', oplog: null, rates: null, pingMs: null };
  const seen = { ...unseen, shard: 'a', whyUnknown: null, oplog: stream.oplog };
  const low = { ...seen, oplog: { windowSeconds: 9, headroomPercent: 20, leftSeconds: 7 } };
  const comparing = ({ collectionsDone }: { readonly collectionsDone: number }) => ({
    collections: { total: 3, copied: 3, live: 3 },
    stream: {
      ...stream,
      verification: { ...stream.verification, isSettled: false, collectionsDone, rechecks: { size: 2 } },
    },
  });
  const faults: readonly (readonly [gate: GateName, Partial<ReadinessFacts>, RegExp])[] = [
    ['RUNNING', { state: 'PAUSED', isPaused: true }, /^it is paused$/],
    ['WAITS', { waits: [wait] }, /^Waiting for the source since .*: it does not answer$/],
    ['COPY', { collections: { total: 4, copied: 1, live: 1 } }, /^1 of 4 collections copied$/],
    ['INDEXES', { stream: { ...stream, allLive: false } }, /indexes are being brought in sync/],
    ['HISTORY', { suspect: ['shop.a', 'shop.b'] }, /^changes of shop\.a and 1 more were missed/],
    ['DROPS', { drops: { any: true, wait } }, /^Waiting for/],
    [
      'LAG',
      { stream: { ...stream, applied: { ...steady, ageMs: 14_000, awakeMs: 14_000 }, lagSeconds: 14 } },
      /14 s, above 10 s/,
    ],
    ['LAG', { stream: { ...stream, lagSeconds: null } }, /not known yet/],
    ['LAG', { stream: { ...stream, applied: { ...steady, ageMs: 3_600_000 } } }, /machine slept, or its clock was set/],
    [
      'LAG',
      { stream: { ...stream, applied: { ...steady, isSteady: false, steadyInMs: 6_200 } } },
      /must stay small for 7 s more/,
    ],
    ['DOCUMENTS', comparing({ collectionsDone: 2 }), /^the verification has compared 2 of 3 collections$/],
    ['DOCUMENTS', comparing({ collectionsDone: 3 }), /^the verification has yet to compare 2 documents again$/],
    ['DOCUMENTS', { stream: { ...stream, compared: { ...steady, ageMs: 31_000 } } }, /31 s behind, above 10 s/],
    ['ATTEMPT', { attempt: wait }, /^Waiting for/],
    ['OPLOG', { stream: { ...stream, oplog: { ...stream.oplog, headroomPercent: 20, leftSeconds: 7 } } }, /about 7 s/],
    ['OPLOG', { stream: { ...stream, oplog: null } }, /^how much of the oplog is left is not known$/],
    [
      'OPLOG',
      { stream: { ...stream, oplog: null, shards: [seen, unseen] } },
      /not known, on the shards b \(it is silent\)$/,
    ],
    // The figures of one shard count, although another one is unknown.
    ['OPLOG', { stream: { ...stream, oplog: null, shards: [low, unseen] } }, /oplog of the shard a is left: .* 7 s$/],
    [
      'TRANSACTIONS',
      {
        conditions: {
          ...healthy.conditions,
          activity: { atMs: 1, value: { transactions: [{ application: 'shop', seconds: 9 }], indexBuilds: [] } },
        },
      },
      /^a transaction of shop has been open for 9 s$/,
    ],
    [
      'DESTINATION_BLOCK',
      { conditions: { ...healthy.conditions, destinationIsBlocked: { atMs: 1, value: false } } },
      /lifted/,
    ],
    ['DESTINATION_BLOCK', { destination: { keepsOthers: true, wasBlocked: false } }, /keeps its other data/],
  ];
  for (const [name, changed, reason] of faults) {
    const gates = gatesOf({ ...healthy, ...changed });
    const open = gates.filter(({ state }) => state !== 'PASSED').map((gate) => gate.name);
    assert.ok(open.includes(name), `${name} of ${open}`);
    const [shown] = showGates(gates.filter((gate) => gate.name === name));
    assert.match(shown?.reasons.join() ?? '', reason);
    assert.equal(areReady(gates), shown?.refuses === false, `${name} refuses a cutover, or only advises`);
    assert.ok(shown !== undefined && shown.action.length > 10);
  }
});

test('the advice about a gate that is held by a cutover under way is to wait for it, not to resume', () => {
  const [committing] = showGates(gatesOf({ ...healthy, state: 'COMMITTING' }));
  assert.match(committing?.action ?? '', /^Wait .*cutover under way ends\.$/);
  const [paused] = showGates(gatesOf({ ...healthy, state: 'PAUSED', isPaused: true }));
  assert.match(paused?.action ?? '', /^Resume a paused migration/);
});

test('a gate that only another version knows refuses a cutover', () => {
  const foreign: Gate = {
    name: 'tides',
    state: 'WAITING',
    value: null,
    limit: null,
    reasons: ['the tide is low'],
    measuredAt: dateOf(1),
    etaSeconds: null,
  };
  assert.equal(areReady([...gatesOf(healthy), foreign]), false);
  assert.deepEqual(refusalsOf([foreign]), ['the tide is low']);
  assert.equal(areReady([]), false, 'without gates nothing is known');
});
