import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyMutant } from './every-mutant.ts';

const SOURCE = `
async function save(a: Store, b: Store) {
  if (a.full || b.full) return;
  await a.write();
  await b.write();
  // rule: close-last
  await a.close();
}
`;

/** Returns the texts of the changed function by what changes, without their common lines. */
function changes(): string[] {
  const healthy = SOURCE.split('\n');
  return everyMutant('sample.ts', SOURCE).map(({ change, text }) => {
    const lines = text.split('\n').filter((line, at) => line !== healthy[at]);
    return `${change}: ${lines.map((line) => line.trim()).join(' ')}`;
  });
}

test('each guard, operand, awaited statement and order without a tag is changed once', () => {
  assert.deepEqual(changes(), [
    'without the guard: ',
    'without the operand: if (b.full) return;',
    'without the operand: if (a.full) return;',
    'without the statement: ',
    'after the next statement: await b.write(); await a.write();',
    'without waiting: a.write();',
    'without the statement: ',
    'after the next statement: await a.close(); await b.write();',
    'without waiting: b.write();',
  ]);
});

test('a mutant says where it is, and what a test has to reach', () => {
  const [guard, , , statement] = everyMutant('sample.ts', SOURCE);
  assert.deepEqual([guard?.line, guard?.code], [3, 'if (a.full || b.full) return;']);
  assert.equal(SOURCE.slice(guard?.reaches).split('\n')[0], 'return;');
  assert.equal(SOURCE.slice(statement?.reaches).split('\n')[0], 'await a.write();');
});
