import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitMember } from '../../../src/engine/mongodb/fit-member.ts';

const server = (address: string, more: object = {}) => ({
  ...{ address, type: 'RSSecondary' as const, tags: {}, lastWriteDate: 100_000, roundTripTime: 5, ...more },
});
const PRIMARY = server('p', { type: 'RSPrimary', roundTripTime: 1 });

test('a bulk read goes to the nearest secondary, and stays with it', () => {
  const servers = [PRIMARY, server('a'), server('b', { roundTripTime: 2 })];
  assert.equal(fitMember(servers, [{}], undefined), 'b');
  assert.equal(fitMember(servers, [{}], 'a'), 'a');
});

test('a secondary that lags by more than 30 s, or lacks the tags, is not read from', () => {
  const tagged = { tags: { dc: 'east', use: 'reports' } };
  const late = (seconds: number) => ({ lastWriteDate: 100_000 - seconds * 1_000 });
  assert.equal(fitMember([PRIMARY, server('a', late(31)), server('b', late(30))], [{}], 'a'), 'b');
  assert.equal(fitMember([PRIMARY, server('a'), server('b', tagged)], [{ dc: 'east', use: 'reports' }], 'a'), 'b');
  assert.equal(fitMember([PRIMARY, server('a'), server('b', tagged)], [{ dc: 'west' }, {}], 'a'), 'a');
});

test('the primary is read from while no secondary will do, and while no one is the primary', () => {
  assert.equal(fitMember([PRIMARY, server('a', { type: 'Unknown' })], [{}], 'a'), undefined);
  assert.equal(fitMember([PRIMARY, server('a')], [{ dc: 'west' }], 'a'), undefined);
  assert.equal(fitMember([server('a')], [{}], 'a'), undefined);
});
