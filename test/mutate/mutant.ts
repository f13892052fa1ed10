import type { Operation } from './operations.ts';
import type { Rule } from './rules.ts';

/** A change that breaks one rule of the code, and the tests that must fail then. */
export interface Mutant {
  /** The rule's name, which is on its tag: `// rule: NAME`. */
  readonly rule: string;
  readonly operation: Operation;
  /** The test file, and a part of the names of its tests to run; all tests without `name`. */
  readonly tests: { readonly file: string; readonly name?: string };
}

/** Mutants by test file. A row has the rule, the operation on its node, and a part of the names of the tests to run; all tests without it. */
export type MutantTable = Readonly<
  Record<string, readonly (readonly [rule: string, operation: Operation, name?: string])[]>
>;

/** Returns the mutants of a table. */
export function mutantsOf(table: MutantTable): Mutant[] {
  return Object.entries(table).flatMap(([file, rows]) =>
    rows.map(([rule, operation, name]) => ({ rule, operation, tests: { file, ...(name !== undefined && { name }) } })),
  );
}

/** Returns the changed text of the rule's file. @throws RangeError when the operation does not fit the rule's node */
export function mutate(mutant: Mutant, rule: Rule): string {
  return mutant.operation.apply(rule.parsed, rule.placed);
}
