import { isNode, type Placed, type SyntaxNode } from './syntax.ts';

/** Kinds of parts of a tagged node. */
const KINDS = {
  /** One side of `&&`, `||`, `??`, `+`, `-` or `*`; `a && b && c` has three. */
  operand: ({ node, parent }) =>
    parent !== undefined && isChain(parent.node) && !(isChain(node) && node.operator === parent.node.operator),
  operation: ({ node }) => node.type === 'BinaryExpression' || node.type === 'LogicalExpression',
  argument: ({ node, parent }) => listOf(parent, 'arguments').includes(node),
  property: ({ node, parent }) => parent?.node.type === 'ObjectExpression' && node.type !== 'Decorator',
  element: ({ parent }) => parent?.node.type === 'ArrayExpression',
  await: ({ node }) => node.type === 'AwaitExpression',
  call: ({ node }) => node.type === 'CallExpression' || node.type === 'NewExpression',
  /** A method is called on it. */
  receiver: ({ node, parent }) =>
    parent?.node.type === 'MemberExpression' &&
    parent.node.object === node &&
    parent.parent?.node.type === 'CallExpression' &&
    parent.parent.node.callee === parent.node,
  /** The test of `if`, `?:`, `while`, `do` or `for`. */
  condition: ({ node, parent }) => parent?.node.test === node && parent.node.type !== 'SwitchCase',
  choice: ({ node }) => node.type === 'ConditionalExpression',
  /** One of the two results of `?:`. */
  branch: ({ node, parent }) => parent?.node.type === 'ConditionalExpression' && parent.node.test !== node,
  literal: ({ node }) => node.type === 'Literal' || node.type === 'TemplateLiteral',
  object: ({ node }) => node.type === 'ObjectExpression',
  array: ({ node }) => node.type === 'ArrayExpression',
  function: ({ node }) => node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression',
  statement: ({ node }) => isStatement(node),
  /** A name of a variable, or a private field of `this`. */
  name: isName,
} as const satisfies Record<string, (placed: Placed) => boolean>;

type Kind = keyof typeof KINDS;

/**
 * A part of a tagged node: `rule` is the node, `value` what it returns, assigns, throws, tests or calls. Others are counted from 1 in the order of
 * the text: `operand 2`; a kind without a number is the first.
 */
export type Part = 'rule' | 'value' | Kind | `${Kind} ${number}`;

/** Returns the part of the node. @throws RangeError when the node has no such part */
export function partOf(nodes: readonly Placed[], whole: Placed, part: Part): Placed {
  if (part === 'rule') return whole;
  const inside = nodes.filter(({ node }) => node.start >= whole.node.start && node.end <= whole.node.end);
  if (part === 'value') {
    const value = valueIn(whole.node);
    const found = inside.find(({ node }) => node === value);
    if (found !== undefined) return found;
  } else {
    const [kind, place = '1'] = part.split(' ') as [Kind, string?];
    const found = inside.filter((each) => each.node !== whole.node && KINDS[kind](each))[Number(place) - 1];
    if (found !== undefined) return found;
  }
  throw new RangeError(`has no part '${part}'`);
}

/** Fields that hold the value of a node, by the first that it has. */
const VALUES = ['declaration', 'argument', 'init', 'right', 'value', 'test', 'expression', 'body'];

function valueIn(node: SyntaxNode): SyntaxNode {
  const [first] = listOf({ node }, 'declarations');
  if (first !== undefined) return valueIn(first);
  if (/^(Await|Unary|Update|Binary|Logical|Arrow|Function|Member)/.test(node.type)) return node;
  const value = VALUES.map((field) => node[field]).find(isNode);
  if (value === undefined || node.type === 'ForStatement') return node;
  const hasInner = /^(Export|Expression)/.test(node.type) && /^(Variable|Assignment)/.test(value.type);
  return hasInner ? valueIn(value) : value;
}

/** Whether the node is the name of a variable, or a private field of `this`. */
export function isName({ node, parent }: Placed): boolean {
  if (node.type === 'MemberExpression')
    return isOfType(node.property, 'PrivateIdentifier') && isOfType(node.object, 'ThisExpression');
  if (node.type !== 'Identifier' || parent === undefined) return false;
  const { type, key, property, computed } = parent.node;
  return (
    key !== node && !(type === 'MemberExpression' && property === node && computed === false) && !type.startsWith('TS')
  );
}

/** Whether the node declares the name that it is. */
export function isDeclared({ node, parent }: Placed): boolean {
  if (parent?.node.type === 'VariableDeclarator') return parent.node.id === node;
  if (parent?.node.type === 'Property') return parent.parent?.node.type === 'ObjectPattern';
  return parent?.node.type === 'ArrayPattern' || listOf(parent, 'params').includes(node);
}

function isOfType(value: unknown, type: string): boolean {
  return isNode(value) && value.type === type;
}

function isChain(node: SyntaxNode): boolean {
  return (
    node.type === 'LogicalExpression' || (node.type === 'BinaryExpression' && /^[-+*]$/.test(String(node.operator)))
  );
}

export function isStatement(node: SyntaxNode): boolean {
  return /Statement$|Declaration$/.test(node.type) && !node.type.startsWith('TS');
}

function listOf(placed: Placed | undefined, field: string): readonly SyntaxNode[] {
  const list = placed?.node[field];
  return Array.isArray(list) ? list.filter(isNode) : [];
}
