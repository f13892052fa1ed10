/** The attacks of `npm run bench:api -- --hostile`; the first is none, to compare with. */
export const ATTACKS = [
  'none',
  '900 readers that take no answer',
  '900 bodies that never end',
  'reports of 1 MB',
  'bodies of 4 MB with a key that may only read',
  '20 pages that follow a migration with 1 MB of progress',
  'verifications of all audit records',
] as const;

export type Attack = (typeof ATTACKS)[number];

/** The data of the worker thread in which an organization attacks. */
export interface Attacker {
  readonly attack: Attack;
  readonly url: string;
  readonly orgId: string;
  /** The public and the private key of its owner. */
  readonly owner: readonly [string, string];
  /** The same of a key that may only read. */
  readonly reader: readonly [string, string];
}
