import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Parsed, type Placed, parse } from './syntax.ts';

/** A rule of the code: a node of the syntax tree with the comment `// rule: NAME` directly above it, or at the end of its only line. */
export interface Rule {
  readonly name: string;
  /** Path from the project's root. */
  readonly file: string;
  readonly parsed: Parsed;
  readonly placed: Placed;
}

const TAG = /^ rule: ([a-z0-9]+(?:-[a-z0-9]+)*)$/;

/** Returns the rules of all source files. @throws RangeError when a tag is not well-formed, or has no node below it */
export function readRules(root: string): Rule[] {
  return globSync('src/**/*.{ts,tsx}', { cwd: root })
    .sort()
    .flatMap((file) => rulesIn(file, readFileSync(join(root, file), 'utf8')));
}

/** Returns the rules of one file. */
export function rulesIn(file: string, source: string): Rule[] {
  if (!source.includes('// rule:')) return [];
  const parsed = parse(source, file.endsWith('.tsx'));
  return parsed.comments.flatMap(({ value, start: at, end }) => {
    if (!value.startsWith(' rule:')) return [];
    const name = TAG.exec(value)?.[1];
    if (name === undefined) throw new RangeError(`${file}: the name of a rule is not in kebab case:${value}`);
    const line = source.lastIndexOf('\n', at) + 1;
    const before = source.slice(line, at);
    const start = before.trim() === '' ? tokenAfter(parsed, end) : line + before.search(/\S/);
    // The first is the outermost that begins there.
    const placed = parsed.nodes.find(({ node }) => node.start === start && node.type !== 'Program');
    if (placed === undefined) throw new RangeError(`${file}: no statement or expression begins below the tag ${name}`);
    return [{ name, file, parsed, placed }];
  });
}

/** Returns where the next token begins behind white space and comments. */
function tokenAfter({ source, comments }: Parsed, from: number): number {
  const at = from + source.slice(from).search(/\S|$/);
  const comment = comments.find(({ start }) => start === at);
  return comment === undefined ? at : tokenAfter({ source, comments, nodes: [] }, comment.end);
}
