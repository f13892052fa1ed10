import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { OneAddress } from '../../../src/engine/mongodb/one-address.ts';

const [A, B, C] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => ({ address, family: 4 })) as [
  LookupAddress,
  LookupAddress,
  LookupAddress,
];
const V6 = { address: '::1', family: 6 };
const V4 = { address: '127.0.0.1', family: 4 };

/** A name server that gives these answers in turns. */
function answering(...answers: (readonly LookupAddress[])[]): OneAddress {
  let turn = 0;
  return new OneAddress((_host, _options, callback) => callback(null, [...(answers[turn++ % answers.length] ?? [])]));
}

function lookUp(one: OneAddress): Promise<readonly LookupAddress[]> {
  return promisify((callback: (error: Error | null, found: LookupAddress[]) => void) =>
    one.lookup('routers.example', { all: true }, (error, found) => callback(error, found as LookupAddress[])),
  )();
}

/** Connects to the first address that is offered and alive. @returns undefined when none is */
async function connect(one: OneAddress, dead: readonly LookupAddress[] = []): Promise<LookupAddress | undefined> {
  const reached = (await lookUp(one)).find((offered) => !dead.includes(offered));
  if (reached === undefined) one.lose();
  one.connectedTo(reached?.address);
  return reached;
}

/** Connects again and again, and returns all addresses that it reached. */
async function reachedBy(
  one: OneAddress,
  dead: readonly LookupAddress[] = [],
): Promise<Set<LookupAddress | undefined>> {
  const reached = new Set<LookupAddress | undefined>();
  for (let connections = 0; connections < 7; connections++) reached.add(await connect(one, dead));
  return reached;
}

for (const [what, answers] of [
  [
    'all in turns',
    [
      [A, B, C],
      [B, C, A],
      [C, A, B],
    ],
  ],
  ['one at a time', [[A], [B], [C]]],
  [
    'one of each family in turns',
    [
      [V6, A],
      [A, V6],
    ],
  ],
] as const)
  test(`all connections go to one address, and to another one when that is lost: the name server answers with ${what}`, async () => {
    const one = answering(...answers);
    const [first, ...others] = await reachedBy(one);
    assert.ok(first);
    assert.deepEqual(others, []);
    one.lose();
    const [second, ...more] = [...(await reachedBy(one, [first]))].filter((reached) => reached !== undefined);
    assert.ok(second);
    assert.notEqual(second, first);
    assert.deepEqual(more, []);
  });

test('the last address that is left is found, in whichever order the name server answers', async () => {
  for (const [alive, ...dead] of [
    [A, B, C],
    [B, C, A],
    [C, A, B],
  ] as const) {
    const one = answering([A, B, C]);
    const reached = await reachedBy(one, dead);
    reached.delete(undefined);
    assert.deepEqual([...reached], [alive]);
  }
});

test('a socket may try both families, and all later ones stay with the one that answered', async () => {
  const one = answering([V6, V4]);
  assert.deepEqual(await lookUp(one), [V6, V4]);
  assert.equal(await connect(one, [V6]), V4);
  assert.deepEqual(await lookUp(one), [V4]);
  one.lose();
  assert.deepEqual(await lookUp(one), [V6, V4]);
});

test('a late connection to an address that was lost does not bring it back', async () => {
  const one = answering([A, B]);
  await connect(one);
  one.lose();
  one.connectedTo(A.address);
  assert.deepEqual(await lookUp(one), [B]);
  one.connectedTo(A.address);
  one.connectedTo(B.address);
  assert.deepEqual(await lookUp(one), [B]);
});

test('a socket that takes one address only gets one', async () => {
  const one = answering([A, B]);
  const found = await new Promise((resolve) =>
    one.lookup('routers.example', {}, (error, address, family) => resolve([error, address, family])),
  );
  assert.deepEqual(found, [null, A.address, 4]);
});
