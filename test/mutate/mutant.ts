/** One rule of the engine taken out, and the test that has to notice. */
export interface Mutant {
  /** What the code no longer does. */
  readonly without: string;
  /** Relative to the project's root. */
  readonly file: string;
  /** Text that stands exactly once in the file. */
  readonly replace: string;
  readonly by: string;
  /** Test files that are run, and which tests of them: those whose names have the text. All of the file's when it is missing. */
  readonly tests: { readonly file: string; readonly name?: string };
}

/** The file's text with the mutant's change. @throws RangeError when its text does not stand there exactly once */
export function mutate(mutant: Mutant, source: string): string {
  const parts = source.split(mutant.replace);
  if (parts.length !== 2) {
    throw new RangeError(`${mutant.file} has ${parts.length - 1} times: ${mutant.replace}`);
  }
  return parts.join(mutant.by);
}
