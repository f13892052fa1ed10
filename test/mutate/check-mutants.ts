import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mutant, mutate } from './mutant.ts';
import { isDeclared, isName } from './parts.ts';
import { type Rule, readRules } from './rules.ts';
import { type Parsed, type Placed, parse } from './syntax.ts';

export interface MutantCheck {
  /** One line for each problem. */
  readonly problems: readonly string[];
  /** Number of tags in src. */
  readonly rules: number;
}

/** Checks that each tag has a mutant, that each mutant fits the node of its tag, and that its tests exist. @param root the repository */
export function checkMutants(root: string, mutants: readonly Mutant[]): MutantCheck {
  const rules = new Map<string, Rule>();
  const problems: string[] = [];
  for (const rule of readRules(root)) {
    const other = rules.get(rule.name);
    if (other !== undefined) problems.push(`${rule.file}: ${other.file} has the tag ${rule.name}, too`);
    rules.set(rule.name, rule);
  }
  const used = new Set(mutants.map(({ rule }) => rule));
  for (const { name, file } of rules.values()) if (!used.has(name)) problems.push(`${file}: no mutant of ${name}`);
  const texts = new Map<string, string>();
  for (const mutant of mutants) {
    const problem = problemOf(mutant, rules.get(mutant.rule)) ?? problemOfTests(root, mutant, texts);
    if (problem !== undefined) problems.push(`${mutant.rule}, ${mutant.operation.name}: ${problem}`);
  }
  return { problems, rules: rules.size };
}

function problemOf(mutant: Mutant, rule: Rule | undefined): string | undefined {
  if (rule === undefined) return 'no line of src has this tag';
  try {
    const mutated = mutate(mutant, rule);
    if (mutated === rule.parsed.source) return `changes nothing in ${rule.file}`;
    const unknown = newNames(rule.parsed, parse(mutated, rule.file.endsWith('.tsx')));
    return unknown.length === 0 ? undefined : `${rule.file} has no ${unknown.join(', ')}`;
  } catch (error) {
    if (error instanceof RangeError) return `${rule.file}: the node ${error.message}`;
    if (error instanceof SyntaxError) return `${rule.file} does not parse with it: ${error.message}`;
    throw error;
  }
}

/** Returns the names in the changed text that the source does not have and the change does not declare: the code was renamed. */
function newNames(source: Parsed, mutated: Parsed): string[] {
  const namesIn = ({ nodes, source }: Parsed, isWanted: (placed: Placed) => boolean) =>
    new Set(nodes.filter(isWanted).map(({ node }) => source.slice(node.start, node.end).replace(/\W*:.*$/s, '')));
  const known = new Set([...namesIn(source, isName), ...namesIn(mutated, isDeclared)]);
  return [...namesIn(mutated, isName)].filter((name) => !known.has(name) && !(name in globalThis));
}

function problemOfTests(
  root: string,
  { tests: { file, name = '' } }: Mutant,
  texts: Map<string, string>,
): string | undefined {
  if (!existsSync(join(root, file))) return `${file} does not exist`;
  const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8');
  texts.set(file, text);
  return text.includes(name) ? undefined : `${file} has no test '${name}'`;
}
