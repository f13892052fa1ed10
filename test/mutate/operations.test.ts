import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keep, negate, type Operation, operator, remove, replace, swap } from './operations.ts';
import { rulesIn } from './rules.ts';

/** Returns the text below the tag after the operation. */
function changed(operation: Operation, code: string): string {
  const [rule] = rulesIn('sample.ts', `// rule: sample\n${code}`);
  assert.ok(rule !== undefined);
  return operation.apply(rule.parsed, rule.placed).split('// rule: sample\n')[1] ?? '';
}

describe('operations on the node of a rule', () => {
  const samples: [what: string, operation: Operation, before: string, after: string][] = [
    ['remove a statement', remove(), 'await store();\nsend();', '\nsend();'],
    ['remove a statement that is not in a block', remove('statement'), 'if (late) stop();', 'if (late) ;'],
    ['remove an await', remove('await'), 'const a = await read();', 'const a = read();'],
    ['remove an operand', remove('operand 2'), 'if (a && b && c) go();', 'if (a && c) go();'],
    ['remove an argument', remove('argument 2'), 'send(a, b);', 'send(a);'],
    ['remove the only element', remove('element'), 'return_([a,]);', 'return_([]);'],
    ['remove a property', remove('property'), 'send({ a, b });', 'send({ b });'],
    ['negate a condition', negate(), 'if (a || b) go();', 'if (!(a || b)) go();'],
    ['swap two statements', swap(), 'a();\nb();', 'b();\na();'],
    ['keep an operand', keep('operand 2'), 'const a = b || c;', 'const a = c;'],
    ['keep an argument of a call', keep('argument', 'call 2'), 'f(g(h));', 'f(h);'],
    ['change an operator', operator('>='), 'if (a > 1) go();', 'if (a >= 1) go();'],
    ['replace a value', replace('undefined'), 'const a = f();', 'const a = undefined;'],
    ['replace an assigned value', replace('0n'), 'this.a = b;', 'this.a = 0n;'],
    [
      'replace a part by text with parts',
      replace('void $().catch($(name 2))', 'call'),
      'await f(g);',
      'await void f(g).catch(g);',
    ],
  ];
  for (const [what, operation, before, after] of samples) {
    it(what, () => assert.equal(changed(operation, before), after));
  }

  it('refuses a part that the node does not have', () => {
    assert.throws(() => changed(remove('operand 3'), 'if (a && b) go();'), /has no part 'operand 3'/);
  });
});

describe('the tag of a rule', () => {
  const nodeOf = (source: string) =>
    rulesIn('sample.ts', source).map(({ placed, parsed }) => parsed.source.slice(placed.node.start, placed.node.end));

  it('is for the statement below it, behind other comments', () => {
    assert.deepEqual(nodeOf('// rule: one\n// Why.\nif (a) b();\nc();'), ['if (a) b();']);
  });

  it('is for an argument, a property or an operand on a line of its own', () => {
    assert.deepEqual(nodeOf('f(\n// rule: one\n a.b(c),\n {\n// rule: two\n d: e,\n});'), ['a.b(c)', 'd: e']);
    assert.deepEqual(nodeOf('const a =\n b &&\n// rule: one\n c;'), ['c']);
  });

  it('has a name in kebab case', () => {
    assert.throws(() => nodeOf('// rule: Two Words\na();'), /not in kebab case/);
  });

  it('is for the statement of its line, when it stands at its end', () => {
    assert.deepEqual(nodeOf('a();\nb(); // rule: one\nc();'), ['b();']);
  });
});
