import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allowedLoad,
  FIRST_ORDER,
  type LoadWindow,
  loadWindows,
  openWindow,
  windowText,
} from '../../src/contract/index.ts';

const NIGHTS: LoadWindow = {
  days: ['FRI', 'SAT'],
  from: '22:00',
  to: '06:00',
  timeZone: 'Europe/Berlin',
  loadLevel: 4,
  maxMegabytesPerSecond: null,
};
const isOpen = (window: LoadWindow, at: string) => openWindow([window], Date.parse(at)) !== undefined;

test('a window is open by the clock of its zone, and after midnight on the day after the one that it names', () => {
  // 27 November 2026 is a Friday; Berlin is an hour ahead of UTC.
  for (const [at, expected] of [
    ['2026-11-27T20:59:59Z', false],
    ['2026-11-27T21:00:00Z', true],
    ['2026-11-28T04:59:59Z', true],
    ['2026-11-28T05:00:00Z', false],
    ['2026-11-29T04:59:00Z', true],
    ['2026-11-29T21:30:00Z', false],
    ['2026-11-27T03:00:00Z', false],
  ] as const)
    assert.equal(isOpen(NIGHTS, at), expected, at);
});

test('a window keeps its hours when the clocks of its zone change, and may last a whole day', () => {
  // On 25 October 2026 Berlin goes from two hours ahead of UTC to one.
  const mornings: LoadWindow = { days: ['SUN'], from: '08:00', to: '09:00', timeZone: 'Europe/Berlin' };
  assert.deepEqual(
    ['2026-10-18T06:30:00Z', '2026-10-25T07:30:00Z'].map((at) => isOpen(mornings, at)),
    [true, true],
  );
  const sundays: LoadWindow = { ...mornings, from: '00:00', to: '00:00' };
  assert.deepEqual(
    ['2026-11-28T22:59:00Z', '2026-11-28T23:00:00Z', '2026-11-29T22:59:00Z', '2026-11-29T23:00:00Z'].map((at) =>
      isOpen(sundays, at),
    ),
    [false, true, true, false],
  );
});

test('the first open window decides what it names, and the order everything else', () => {
  const order = {
    ...FIRST_ORDER,
    loadLevel: 2 as const,
    copyBytesPerSecond: 5e6,
    windows: [{ ...NIGHTS, loadLevel: undefined }, NIGHTS],
  };
  const at = (iso: string) => allowedLoad(order, Date.parse(iso));
  assert.deepEqual(at('2026-11-27T12:00:00Z'), { loadLevel: 2, copyBytesPerSecond: 5e6 });
  assert.deepEqual(at('2026-11-27T23:00:00Z'), { loadLevel: 2, copyBytesPerSecond: null });
});

test('a window that means nothing is refused, and one that does is shown as it is typed', () => {
  const refused = (change: object) => loadWindows.safeParse([{ ...NIGHTS, ...change }]).success === false;
  assert.deepEqual(
    [
      { timeZone: 'Berlin' },
      { from: '24:00' },
      { days: [] },
      { days: ['MONDAY'] },
      { loadLevel: 5 },
      { maxMegabytesPerSecond: 0 },
    ].map(refused),
    [true, true, true, true, true, true],
  );
  assert.equal(windowText(NIGHTS), 'FRI,SAT 22:00-06:00 Europe/Berlin level=4 rate=unlimited');
});
