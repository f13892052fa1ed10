import { isStatement, type Part, partOf } from './parts.ts';
import type { Parsed, Placed } from './syntax.ts';

/** A change of the source around a tagged node. */
export interface Operation {
  /** The operation as a mutant's list writes it. */
  readonly name: string;
  /** Returns the changed text of the file. @throws RangeError when the node has no such part */
  apply(parsed: Parsed, rule: Placed): string;
}

/**
 * Removes the node, or the part: a statement, an item of a list, an operand with its operator, the `await` before a value. Another value becomes
 * `undefined`.
 */
export function remove(part: Part = 'rule'): Operation {
  return operation(`remove(${part})`, part, (parsed, { node, parent, list }) => {
    const { source } = parsed;
    if (node.type === 'AwaitExpression') return put(source, node, textOf(source, node.argument as Placed['node']));
    if (parent?.node.type.match(/^(Logical|Binary)Expression$/)) {
      const other = parent.node.left === node ? parent.node.right : parent.node.left;
      return put(source, parent.node, textOf(source, other as Placed['node']));
    }
    if (list === undefined) return put(source, node, isStatement(node) ? ';' : 'undefined');
    const at = list.indexOf(node);
    const next = list[at + 1];
    const before = list[at - 1];
    if (isStatement(node) || isMember(node.type)) return put(source, node, '');
    if (next !== undefined) return put(source, { start: node.start, end: next.start }, '');
    if (before !== undefined) return put(source, { start: before.end, end: node.end }, '');
    const comma = /^\s*,/.exec(source.slice(node.end))?.[0].length ?? 0;
    return put(source, { start: node.start, end: node.end + comma }, '');
  });
}

/** Turns a condition into its opposite. */
export function negate(part: Part = 'condition'): Operation {
  return operation(`negate(${part})`, part, ({ source }, { node }) => put(source, node, `!(${textOf(source, node)})`));
}

/** Exchanges the node and the next one of its list: the next statement, argument or element. */
export function swap(): Operation {
  return operation('swap()', 'rule', ({ source }, { node, list = [] }) => {
    const next = list[list.indexOf(node) + 1];
    if (next === undefined) throw new RangeError('has no next');
    return put(put(source, next, textOf(source, node)), node, textOf(source, next));
  });
}

/** Replaces the part by a part of it, which is counted within. */
export function keep(inner: Part, part: Part = 'value'): Operation {
  return operation(`keep(${inner}, ${part})`, part, ({ source, nodes }, outer) =>
    put(source, outer.node, textOf(source, partOf(nodes, outer, inner).node)),
  );
}

/** Replaces the operator between two operands. */
export function operator(by: string, part: Part = 'operation'): Operation {
  return operation(`operator(${by}, ${part})`, part, ({ source }, { node }) => {
    const { left, right } = node as unknown as { left: Placed['node']; right: Placed['node'] };
    return put(source, { start: left.end, end: right.start }, ` ${by} `);
  });
}

/**
 * Replaces the part by another text, in which `$()` stands for the part, and `$(name 2)` for that part of the tagged node. Other local names in the
 * text would have to be renamed with the code.
 */
export function replace(by: string, part: Part = 'value'): Operation {
  return {
    name: `replace(${by}, ${part})`,
    apply: ({ source, nodes }, rule) => {
      const { node } = partOf(nodes, rule, part);
      const text = (inner: string) => textOf(source, inner === '' ? node : partOf(nodes, rule, inner as Part).node);
      return put(
        source,
        node,
        by.replaceAll(/\$\(([a-z]*(?: \d+)?)\)/g, (_, inner: string) => text(inner)),
      );
    },
  };
}

function operation(name: string, part: Part, apply: (parsed: Parsed, placed: Placed) => string): Operation {
  return { name, apply: (parsed, rule) => apply(parsed, partOf(parsed.nodes, rule, part)) };
}

function isMember(type: string): boolean {
  return type === 'MethodDefinition' || type === 'PropertyDefinition' || type === 'SwitchCase';
}

function textOf(source: string, { start, end }: { readonly start: number; readonly end: number }): string {
  return source.slice(start, end);
}

function put(source: string, { start, end }: { readonly start: number; readonly end: number }, text: string): string {
  return source.slice(0, start) + text + source.slice(end);
}
