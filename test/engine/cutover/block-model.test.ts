import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BlockEvent, blockStateAfter, type Claim, isToLift } from '../../../src/engine/cutover/block-history.ts';

const CLAIM: Claim = { id: 'a', migrationId: 'A', term: 1 };
const MOST_ELECTIONS = 2;
const MOST_NOTES = 6;

type Step = BlockEvent['step'];
/** An engine or its watchdog, with its next step. `noted`: its note is in the primary's oplog, and it reads what precedes. */
interface Actor {
  readonly at: 'idle' | 'noted' | 'lifting' | 'confirming' | 'done';
  /** The election in which it noted. */
  readonly election: number;
  /** The place of its note in the primary's oplog. */
  readonly note: number;
}

/** A replica set, a cutover's engine, and the watchdog that takes it for dead. */
interface World {
  /** The primary's oplog about the block. */
  readonly oplog: readonly Step[];
  /** How much of it the majority has. A new primary has no more. */
  readonly replicated: number;
  readonly election: number;
  readonly engine: Actor & { readonly intent: 'commit' | 'open' };
  readonly watchdog: Actor;
  /** Whether the destination has committed. */
  readonly committed: boolean;
}

const IDLE: Actor = { at: 'idle', election: 0, note: 0 };
const BLOCKED: World = {
  oplog: ['claimed', 'set'],
  replicated: 2,
  election: 0,
  engine: { ...IDLE, intent: 'commit' },
  watchdog: IDLE,
  committed: false,
};

function stateOf(oplog: readonly Step[]) {
  return blockStateAfter(oplog.map((step): BlockEvent => ({ step, claim: CLAIM, seconds: 0 }) as BlockEvent));
}

interface Rules {
  /** Whether the majority can have anything new. */
  readonly majority: boolean;
  /** Whether a lift reaches only the primary that has its note. */
  readonly pinned: boolean;
}

/** All worlds that one step leads to. */
function* next(world: World, rules: Rules): Generator<World> {
  const { oplog, replicated, election, engine, watchdog, committed } = world;
  if (rules.majority && replicated < oplog.length) yield { ...world, replicated: replicated + 1 };
  if (rules.majority && election < MOST_ELECTIONS)
    yield { ...world, oplog: oplog.slice(0, replicated), election: election + 1 };
  if (oplog.length < MOST_NOTES) {
    const noted = { at: 'noted', election, note: oplog.length } as const;
    if (watchdog.at === 'idle') yield { ...world, oplog: [...oplog, 'opening'], watchdog: noted };
    const note = engine.intent === 'commit' ? 'committing' : 'opening-uncommitted';
    if (engine.at === 'idle') yield { ...world, oplog: [...oplog, note], engine: { ...engine, ...noted } };
  }
  // The deadline of the pause. A commit that may have been sent is never taken back.
  if (engine.intent === 'commit' && !committed && engine.at !== 'done')
    yield { ...world, engine: { ...engine, at: 'idle', intent: 'open' } };
  if (engine.intent === 'commit' && engine.at === 'noted') {
    if (engine.election !== election) yield { ...world, engine: { ...engine, at: 'idle' } };
    else if (replicated > engine.note) {
      const { block, holder } = stateOf(oplog.slice(0, engine.note + 1));
      const holds = block !== null && holder?.step === 'committing';
      if (holds) yield { ...world, committed: true, engine: { ...engine, at: 'done' } };
      else yield { ...world, engine: { ...engine, at: 'idle', intent: 'open' } };
    }
  }
  if (engine.intent === 'open') {
    for (const [actor, after] of opening(world, engine, rules)) yield { ...after, engine: { ...engine, ...actor } };
  }
  for (const [actor, after] of opening(world, watchdog, rules)) yield { ...after, watchdog: actor };
}

/** The steps of `liftBlock` after its note. */
function* opening(world: World, actor: Actor, { pinned }: Rules): Generator<readonly [Actor, World]> {
  const { oplog, replicated, election } = world;
  const isSame = actor.election === election;
  if (actor.at === 'noted') {
    if (!isSame) yield [{ ...actor, at: 'idle' }, world];
    else {
      const state = stateOf(oplog.slice(0, actor.note + 1));
      if (state.holder?.step === 'committing') yield [{ ...actor, at: 'idle' }, world];
      else yield [{ ...actor, at: state.holder && isToLift(state, 'A') ? 'lifting' : 'confirming' }, world];
    }
  }
  if (actor.at === 'lifting') {
    if (!isSame && pinned) yield [{ ...actor, at: 'idle' }, world];
    else if (stateOf(oplog).block === null) yield [{ ...actor, at: 'confirming' }, world];
    else
      yield [
        { ...actor, at: 'confirming' },
        { ...world, oplog: [...oplog, 'lifted'] },
      ];
  }
  if (actor.at === 'confirming') {
    if (!isSame) yield [{ ...actor, at: 'idle' }, world];
    else if (replicated === oplog.length) yield [{ ...actor, at: 'done' }, world];
  }
}

/** Returns all worlds that can come about. */
function reachable(rules: Rules): readonly World[] {
  const found = new Map([[JSON.stringify(BLOCKED), BLOCKED]]);
  for (const world of found.values())
    for (const after of next(world, rules)) {
      const key = JSON.stringify(after);
      if (!found.has(key)) found.set(key, after);
    }
  return [...found.values()];
}

const isOpen = ({ oplog }: World) => stateOf(oplog).block === null;

// id: block-model
test('a model, no real server: in no order of steps and elections are both sides open, and none that ended leaves both blocked', (t) => {
  const worlds = reachable({ majority: true, pinned: true });
  t.diagnostic(`${worlds.length} states`);
  assert.deepEqual(
    worlds.find((world) => world.committed && isOpen(world)),
    undefined,
  );
  const ended = worlds.filter(({ engine, watchdog }) => engine.at === 'done' && watchdog.at === 'done');
  assert.ok(ended.some(isOpen));
  assert.deepEqual(
    ended.find((world) => !world.committed && !isOpen(world)),
    undefined,
  );
});

test('a model, no real server: without a majority the source is opened, unless the commit was announced before', () => {
  const worlds = reachable({ majority: false, pinned: true });
  const opened = worlds.filter(isOpen);
  assert.ok(
    opened.some(({ engine }) => engine.intent === 'open'),
    'by the engine',
  );
  assert.ok(
    opened.some(({ watchdog, engine }) => watchdog.at === 'confirming' && engine.intent === 'commit'),
    'by the watchdog',
  );
  assert.ok(worlds.every(({ committed }) => !committed));
});

test('a model, no real server: a lift that reaches another primary than its note could open both sides', () => {
  assert.ok(reachable({ majority: true, pinned: false }).some((world) => world.committed && isOpen(world)));
});
