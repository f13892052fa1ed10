/** A change that removes one rule of the engine, and the tests that must fail then. */
export interface Mutant {
  /** The removed rule. */
  readonly without: string;
  /** Path from the project's root. */
  readonly file: string;
  /** Text that occurs exactly once in the file. */
  readonly replace: string;
  readonly by: string;
  /** The test file, and a part of the names of its tests to run; all tests without `name`. */
  readonly tests: { readonly file: string; readonly name?: string };
}

/** Returns the file's text with the mutant's change. @throws RangeError when the text to replace does not occur exactly once */
export function mutate(mutant: Mutant, source: string): string {
  const parts = source.split(mutant.replace);
  if (parts.length !== 2) {
    throw new RangeError(`${mutant.file} has ${parts.length - 1} times: ${mutant.replace}`);
  }
  return parts.join(mutant.by);
}
