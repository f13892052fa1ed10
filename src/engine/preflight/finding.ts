/** One thing that preflight saw. Errors keep a migration from starting, warnings don't. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  /** Key of the error catalogue. */
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly namespace?: string;
}
