/** An entry of the error catalogue. Each `%` in `detail`, then in `remedy`, stands for the next parameter. */
export interface ErrorDefinition {
  /** HTTP status of an API answer with this error. */
  readonly status: number;
  /** Atlas `errorCode`, where it differs from the catalogue's own code. */
  readonly atlasCode?: string;
  /** The problem and what it concerns, with `%` for each parameter. */
  readonly detail: string;
  /** The action that fixes the problem, with `%` for each further parameter. */
  readonly remedy: string;
  /** Set on warnings about the cutover: Linkspan repeats them when a user requests one. */
  readonly concerns?: 'cutover';
}

/** Keeps the literal keys of a part of the catalogue, so that codes are checked by the compiler. */
export function defineErrors<T extends Record<string, ErrorDefinition>>(
  part: T,
): { readonly [K in keyof T]: ErrorDefinition } {
  return part;
}
