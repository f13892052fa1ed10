/** The work that an error ends or holds up. */
export type Scope = 'request' | 'migration' | 'collection' | 'document';

/** An entry of the error catalogue. Each `%` in `detail`, then in `remedy`, stands for the next parameter. */
export interface ErrorDefinition {
  /** HTTP status of an API answer with this error. */
  readonly status: number;
  /** Atlas `errorCode`, where it differs from the catalogue's own code. */
  readonly atlasCode?: string;
  /** The problem and its subject, with `%` for each parameter. */
  readonly detail: string;
  /** The action that fixes the problem, with `%` for each further parameter. */
  readonly remedy: string;
  /** A warning is shown and ends nothing. */
  readonly severity: 'ERROR' | 'WARNING';
  readonly scope: Scope;
  /** `transient`: the engine tries again until the cause is gone. `none`: a user has to act first. */
  readonly retry: 'none' | 'transient';
  /** Set on warnings about the cutover: Linkspan repeats them when a user requests one. */
  readonly concerns?: 'CUTOVER';
}

type Declared = Omit<ErrorDefinition, 'severity' | 'scope' | 'retry'> &
  Partial<Pick<ErrorDefinition, 'severity' | 'scope' | 'retry'>>;

/**
 * Completes a part of the catalogue, and keeps its literal keys, so that codes are checked by the compiler. An entry is an error that is not
 * tried again, unless it says otherwise.
 * @param scope  of the entries that declare none
 */
export function defineErrors<T extends Record<string, Declared>>(
  scope: Scope,
  part: T,
): { readonly [K in keyof T]: ErrorDefinition } {
  const entries = Object.entries(part).map(([code, entry]) => [
    code,
    { severity: 'ERROR', scope, retry: 'none', ...entry } satisfies ErrorDefinition,
  ]);
  return Object.fromEntries(entries);
}
