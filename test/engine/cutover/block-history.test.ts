import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type BlockEvent,
  blockStateAfter,
  type Claim,
  type ClaimStep,
  isToLift,
} from '../../../src/engine/cutover/block-history.ts';

const A: Claim = { id: 'a', migrationId: 'A', term: 3 };
const LATER_A: Claim = { id: 'a again', migrationId: 'A', term: 4 };
const EARLIER_A: Claim = { id: 'a before', migrationId: 'A', term: 2 };
const B: Claim = { id: 'b', migrationId: 'B', term: 1 };

type Entry = 'set' | 'lifted' | readonly [step: ClaimStep, claim: Claim, seconds?: number];

/** The history that these entries give; all are of one second by default. */
function after(...entries: readonly Entry[]) {
  return blockStateAfter(
    entries.map((entry): BlockEvent => {
      if (typeof entry === 'string') return { step: entry, seconds: 0 };
      const [step, claim, seconds = 0] = entry;
      return { step, claim, seconds };
    }),
  );
}

function holderAfter(...entries: readonly Entry[]): string | undefined {
  return after(...entries).holder?.id;
}

describe('who holds the write block of a source', () => {
  it('is the first of two that claim it, and the second one once that has released it', () => {
    assert.equal(holderAfter(['claimed', A], ['claimed', B]), 'a');
    assert.equal(holderAfter(['claimed', A], ['released', A], ['claimed', B]), 'b');
    assert.equal(holderAfter(['claimed', A], ['claimed', B], ['released', B]), 'a');
  });

  it('is the later engine of a migration, and never an earlier one', () => {
    assert.equal(holderAfter(['claimed', A], 'set', ['claimed', LATER_A]), 'a again');
    assert.equal(holderAfter(['claimed', A], 'set', ['claimed', EARLIER_A]), 'a');
  });

  it('is no one once the block was lifted', () => {
    assert.deepEqual(after(['claimed', A], 'set', 'lifted'), { block: null, holder: null });
    assert.equal(holderAfter(['claimed', A], 'set', 'lifted', ['committing', A]), undefined);
  });

  it('is the second when the first did not set a block within a minute, and not when it did', () => {
    assert.equal(holderAfter(['claimed', A], ['claimed', B, 61]), 'b');
    assert.equal(holderAfter(['claimed', A], ['claimed', B, 60]), 'a');
    assert.equal(holderAfter(['claimed', A], 'set', ['claimed', B, 3_600]), 'a');
  });

  it('is not changed by notes of an attempt that has ended', () => {
    const steps = ['committing', 'opening', 'opening-uncommitted', 'released'] as const;
    for (const step of steps)
      assert.deepEqual(after(['claimed', LATER_A], 'set', [step, A]), after(['claimed', LATER_A], 'set'));
  });
});

describe('a block whose engine announces its commit while another client opens the source', () => {
  it('goes to whichever came first', () => {
    assert.equal(after(['claimed', A], 'set', ['committing', A], ['opening', A]).holder?.step, 'committing');
    assert.equal(after(['claimed', A], 'set', ['opening', A], ['committing', A]).holder?.step, 'opening');
  });

  it('is opened by one that knows that nothing was committed', () => {
    assert.equal(after(['claimed', A], 'set', ['committing', A], ['opening-uncommitted', A]).holder?.step, 'opening');
  });

  it('is left alone by the next engine of the migration for a minute, as it may be opened at any moment', () => {
    assert.equal(holderAfter(['claimed', A], 'set', ['opening', A], ['claimed', LATER_A, 60]), 'a');
    assert.equal(holderAfter(['claimed', A], 'set', ['opening', A], ['claimed', LATER_A, 61]), 'a again');
  });
});

describe('a block is to be lifted', () => {
  const lifts = (migrationId: string, ...entries: readonly Entry[]) => isToLift(after(...entries), migrationId);

  it('by the migration that set it, and by no other', () => {
    assert.equal(lifts('A', ['claimed', A], 'set'), true);
    assert.equal(lifts('B', ['claimed', A], 'set'), false);
    assert.equal(lifts('A', ['claimed', A], 'set', ['claimed', LATER_A]), true);
  });

  it('by no one when it was set by hand', () => {
    assert.equal(lifts('A', 'set', ['claimed', A]), false);
  });

  it('by no one once a migration was committed under it', () => {
    const committed = [['claimed', A], 'set', ['committing', A], ['committed', A]] as const;
    assert.equal(lifts('A', ...committed), false);
    assert.equal(lifts('B', ...committed, ['claimed', B]), false);
    assert.equal(holderAfter(...committed, ['claimed', B]), 'b');
  });

  it('by no one who relied on the block of a migration that was about to commit ten minutes before', () => {
    const silent = [['claimed', A], 'set', ['committing', A]] as const;
    assert.equal(holderAfter(...silent, ['claimed', B, 600]), 'a');
    assert.equal(holderAfter(...silent, ['claimed', B, 601]), 'b');
    assert.equal(lifts('B', ...silent, ['claimed', B, 601]), false);
    assert.equal(lifts('A', ...silent, ['claimed', B, 601]), false);
  });
});
