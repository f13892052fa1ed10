import { type Operation, remove, swap } from './operations.ts';
import { rulesIn } from './rules.ts';
import { type Parsed, type Placed, parse } from './syntax.ts';

/** A change of one node that no rule's tag names. */
export interface SyntaxMutant {
  /** Path from the root. */
  readonly file: string;
  /** Line of the node, from 1. */
  readonly line: number;
  /** The change in words, such as `without the guard`. */
  readonly change: string;
  /** Begin of the node's text. */
  readonly code: string;
  /** The file with the change. */
  readonly text: string;
  /** Offset in the file that a test has to reach to notice the change. */
  readonly reaches: number;
}

/** A kind of change, the nodes that it fits, and the offset that a test has to reach for each. */
interface Kind {
  readonly change: string;
  readonly operation: Operation;
  fits(placed: Placed): boolean;
  at(placed: Placed): number;
}

const start = ({ node }: Placed) => node.start;

/** A hook of the tests themselves. */
const FAILPOINT = /^await failpoint\(/;

const KINDS: readonly Kind[] = [
  { change: 'without the statement', operation: remove(), fits: isAwaiting, at: start },
  {
    change: 'without waiting',
    operation: remove(),
    fits: ({ node, parent }) => node.type === 'AwaitExpression' && parent !== undefined && isAwaiting(parent),
    at: start,
  },
  {
    change: 'after the next statement',
    operation: swap(),
    fits: ({ node, list = [] }) => {
      const next = list[list.indexOf(node) + 1];
      return next !== undefined && isAwaiting({ node }) && isAwaiting({ node: next });
    },
    at: start,
  },
  {
    change: 'without the guard',
    operation: remove(),
    fits: ({ node, parent }) =>
      node.type === 'IfStatement' && node.alternate === null && parent?.node.type !== 'IfStatement',
    at: ({ node }) => (node.consequent as Placed['node']).start,
  },
  { change: 'without the operand', operation: remove(), fits: isOperandOfGuard, at: start },
];

/** Returns the mutants of a file for each awaited statement, guard, operand of a guard, and pair of awaited statements that has no rule's tag. */
export function everyMutant(file: string, source: string): SyntaxMutant[] {
  const parsed = parse(source);
  const tagged = new Set(rulesIn(file, source).map(({ placed }) => placed.node.start));
  return parsed.nodes.flatMap((placed) =>
    tagged.has(placed.node.start) || FAILPOINT.test(source.slice(placed.node.start, placed.node.end))
      ? []
      : KINDS.filter((kind) => kind.fits(placed)).map((kind) => mutantOf(file, parsed, placed, kind)),
  );
}

function mutantOf(file: string, parsed: Parsed, placed: Placed, { change, operation, at }: Kind): SyntaxMutant {
  const { source } = parsed;
  const [code = ''] = source.slice(placed.node.start, placed.node.end).split('\n');
  const line = source.slice(0, placed.node.start).split('\n').length;
  return { file, line, change, code, text: operation.apply(parsed, placed), reaches: at(placed) };
}

function isAwaiting({ node }: Placed): boolean {
  return node.type === 'ExpressionStatement' && (node.expression as Placed['node']).type === 'AwaitExpression';
}

function isOperandOfGuard({ node, parent }: Placed): boolean {
  if (parent?.node.type !== 'LogicalExpression' || node.type === 'LogicalExpression') return false;
  let above: Placed | undefined = parent;
  while (above?.node.type === 'LogicalExpression') above = above.parent;
  return above?.node.type === 'IfStatement' || above?.node.type === 'WhileStatement';
}
