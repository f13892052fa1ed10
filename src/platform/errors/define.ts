/** What the one catalogue says of an error. `%` in `detail` stands for a parameter, in order. */
export interface ErrorDefinition {
  /** HTTP status where a face of Linkspan answers with it. */
  readonly status: number;
  /** Atlas `errorCode`; the catalogue's own code where Atlas has none. */
  readonly atlasCode?: string;
  /** What was wrong, one sentence, `%` for each parameter. */
  readonly detail: string;
  /** What the user can do about it, `%` for each further parameter. */
  readonly remedy: string;
  /** Set on warnings that matter at the cutover: they are repeated when one is asked for. */
  readonly concerns?: 'cutover';
}

/** Keeps the literal keys of a part of the catalogue, so that codes are checked by the compiler. */
export function defineErrors<T extends Record<string, ErrorDefinition>>(
  part: T,
): { readonly [K in keyof T]: ErrorDefinition } {
  return part;
}
