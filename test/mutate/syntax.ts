import { parseSync } from 'rolldown/utils';

/** A node of a syntax tree in ESTree's form. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** A node, and its place in the tree. */
export interface Placed {
  readonly node: SyntaxNode;
  readonly parent?: Placed;
  /** The list in the parent that holds the node, such as the statements of a block. */
  readonly list?: readonly SyntaxNode[];
}

export interface Parsed {
  readonly source: string;
  /** All nodes in the order of the text, each parent before its children. */
  readonly nodes: readonly Placed[];
  readonly comments: readonly { readonly value: string; readonly start: number; readonly end: number }[];
}

/** Parses TypeScript. @throws SyntaxError when the text does not parse */
export function parse(source: string, isTsx = false): Parsed {
  const { program, comments, errors } = parseSync(isTsx ? 'rule.tsx' : 'rule.ts', source);
  const [first] = errors;
  if (first !== undefined) throw new SyntaxError(first.message);
  const nodes: Placed[] = [];
  visit({ node: program as unknown as SyntaxNode }, nodes);
  return { source, nodes, comments };
}

function visit(placed: Placed, nodes: Placed[]): void {
  nodes.push(placed);
  const children: Placed[] = [];
  for (const value of Object.values(placed.node)) {
    if (isNode(value)) children.push({ node: value, parent: placed });
    else if (Array.isArray(value)) {
      const list = value.filter(isNode);
      for (const node of list) children.push({ node, parent: placed, list });
    }
  }
  children.sort((a, b) => a.node.start - b.node.start);
  for (const child of children) visit(child, nodes);
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}
