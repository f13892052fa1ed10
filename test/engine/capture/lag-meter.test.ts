import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LAG_LIMIT_MS, LagMeter } from '../../../src/engine/capture/lag-meter.ts';

/** The events of an engine and its source, in any order. */
type Step =
  | { readonly kind: 'time passes'; readonly ms: number }
  /** The machine sleeps, and its elapsed time stands still. */
  | { readonly kind: 'machine sleeps'; readonly ms: number }
  | { readonly kind: 'wall clock is set'; readonly byMs: number }
  | { readonly kind: 'source acknowledges a write' }
  | { readonly kind: 'barrier is sent' }
  | { readonly kind: 'stream catches up' }
  | { readonly kind: 'barrier is noticed' }
  | { readonly kind: 'barrier is passed at once' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('time passes' as const), ms: fc.integer({ min: 1, max: 8_000 }) }),
  },
  fc.record({ kind: fc.constant('machine sleeps' as const), ms: fc.integer({ min: 1, max: 100_000 }) }),
  { weight: 4, arbitrary: fc.constant({ kind: 'source acknowledges a write' as const }) },
  { weight: 6, arbitrary: fc.constant({ kind: 'barrier is sent' as const }) },
  { weight: 6, arbitrary: fc.constant({ kind: 'stream catches up' as const }) },
  { weight: 6, arbitrary: fc.constant({ kind: 'barrier is noticed' as const }) },
  { weight: 20, arbitrary: fc.constant({ kind: 'barrier is passed at once' as const }) },
  fc.constant({ kind: 'resume' as const }),
  fc.constant({ kind: 'restart' as const }),
);
const setClock: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('wall clock is set' as const),
  byMs: fc.integer({ min: -100_000, max: 100_000 }),
});

/** An engine and its source, with the true time that neither of them knows. */
class World {
  #trueMs = 0;
  #elapsedMs = 0;
  #wallMs = 1e12;
  #events: { readonly atMs: number; applied: boolean }[] = [];
  #sent: { readonly moment: { elapsedMs: number; wallMs: number }; readonly events: number } | undefined;
  meter = new LagMeter(this.#now);

  get #now() {
    return { elapsedMs: this.#elapsedMs, wallMs: this.#wallMs };
  }

  get isReady(): boolean {
    const { ageMs, isKnown, isSteady } = this.meter.read(this.#now);
    return isKnown && isSteady && ageMs <= LAG_LIMIT_MS;
  }

  /** How long ago the source acknowledged the oldest write that is not applied. */
  get oldestUnappliedMs(): number {
    const first = this.#events.find(({ applied }) => !applied);
    return first === undefined ? 0 : this.#trueMs - first.atMs;
  }

  do(taken: Step): void {
    switch (taken.kind) {
      case 'time passes':
        this.#pass(taken.ms);
        this.#elapsedMs += taken.ms;
        break;
      case 'machine sleeps':
        this.#pass(taken.ms);
        break;
      case 'wall clock is set':
        this.#wallMs += taken.byMs;
        break;
      case 'source acknowledges a write':
        this.#events.push({ atMs: this.#trueMs, applied: false });
        break;
      case 'barrier is sent':
        this.#sent ??= { moment: this.#now, events: this.#events.length };
        break;
      case 'stream catches up':
        for (const event of this.#events) event.applied = true;
        break;
      case 'barrier is noticed':
        this.#notice();
        break;
      case 'barrier is passed at once':
        for (const kind of ['barrier is sent', 'stream catches up', 'barrier is noticed'] as const) this.do({ kind });
        break;
      case 'resume':
        this.#sent = undefined;
        this.meter.resume(this.#now);
        break;
      case 'restart':
        this.#sent = undefined;
        this.meter = new LagMeter(this.#now);
    }
  }

  #pass(ms: number): void {
    this.#trueMs += ms;
    this.#wallMs += ms;
  }

  #notice(): void {
    const sent = this.#sent;
    if (sent === undefined || this.#events.slice(0, sent.events).some(({ applied }) => !applied)) return;
    this.#sent = undefined;
    this.meter.passed(sent.moment, this.#now);
  }
}

test('a small and steady lag means that all writes of more than 10 s ago are applied, whatever stops, sleeps or restarts', () => {
  let ready = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const world = new World();
      for (const taken of steps) {
        world.do(taken);
        if (!world.isReady) continue;
        ready += 1;
        assert.ok(
          world.oldestUnappliedMs <= LAG_LIMIT_MS,
          `a write of ${world.oldestUnappliedMs} ms ago is not applied`,
        );
      }
    }),
    { numRuns: 3_000 },
  );
  assert.ok(ready > 300, `it was ready only ${ready} times`);
});

test('a wall clock that is set makes no lag smaller', () => {
  const withoutSleep = step.filter(({ kind }) => kind !== 'machine sleeps');
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 5, arbitrary: withoutSleep }, setClock), { maxLength: 60 }), (steps) => {
      const world = new World();
      for (const taken of steps) {
        world.do(taken);
        if (world.isReady) assert.ok(world.oldestUnappliedMs <= LAG_LIMIT_MS);
      }
    }),
    { numRuns: 3_000 },
  );
});

/** A meter whose barriers are passed after the given delays, one sent right after the other. */
function after(...delaysMs: readonly number[]): { readonly meter: LagMeter; readonly nowMs: number } {
  const at = (ms: number) => ({ elapsedMs: ms, wallMs: ms });
  const meter = new LagMeter(at(0));
  let nowMs = 0;
  for (const delay of delaysMs) {
    meter.passed(at(nowMs), at(nowMs + delay));
    nowMs += delay;
  }
  return { meter, nowMs };
}

test('a migration that was never behind has a steady lag after three barriers', () => {
  for (const [delays, isSteady] of [
    [[300, 300], false],
    [[300, 300, 300], true],
    [[4_000, 4_000, 4_000], true],
    [[4_000, 11_000, 300, 300], false],
  ] as const) {
    const { meter, nowMs } = after(...delays);
    assert.equal(meter.read({ elapsedMs: nowMs, wallMs: nowMs }).isSteady, isSteady);
  }
});

test('a lag that was too large must be small for as long as it was too large, up to a minute', () => {
  for (const [behindMs, needsMs] of [
    [15_000, 5_000],
    [40_000, 30_000],
    [3_600_000, 60_000],
  ] as const) {
    const { meter, nowMs } = after(behindMs);
    const at = (ms: number) => ({ elapsedMs: nowMs + ms, wallMs: nowMs + ms });
    // Barriers that are passed at once, every second.
    for (let ms = 0; ms < needsMs; ms += 1_000) {
      meter.passed(at(ms), at(ms));
      assert.equal(meter.read(at(ms)).isSteady, false, `after ${ms} of ${needsMs} ms`);
    }
    meter.passed(at(needsMs), at(needsMs));
    assert.equal(meter.read(at(needsMs)).isSteady, true);
  }
});

test('a lag that swings above the limit as long as below it is never steady', () => {
  const at = (ms: number) => ({ elapsedMs: ms, wallMs: ms });
  const meter = new LagMeter(at(0));
  let nowMs = 0;
  for (let swing = 0; swing < 20; swing += 1) {
    meter.passed(at(nowMs), at(nowMs + 30_000)); // 20 s too large
    nowMs += 30_000;
    for (const end = nowMs + 18_000; nowMs < end; nowMs += 1_000) {
      meter.passed(at(nowMs), at(nowMs));
      assert.equal(meter.read(at(nowMs)).isSteady, false);
    }
  }
});
