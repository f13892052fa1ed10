import type { VerificationMode } from '../../contract/index.ts';

/** The steps of a cutover in the order in which an attempt passes them, and the purpose of each. */
export const CUTOVER_STEPS = {
  readiness: 'it was looked up whether the migration is ready for a cutover',
  'retry delay': 'the time between two attempts, in which users write',
  checks: 'the catalogs of both sides were compared, and the users who bypass a write block looked up',
  'catch up': 'changes from before the attempt were applied, while users write',
  accounts: 'users and roles were migrated, while users write',
  'capped order': 'the order of capped collections was compared where it was not sure, while users write',
  watchdog: 'the process that opens the source again after a kill was started',
  obstacles: 'nothing on the source may hold up its write block',
  claim: "the intent was recorded, and the source's write block claimed",
  block: "the source's write block was set",
  barrier: 'a barrier was written',
  drain:
    'what users wrote before the block was applied, and compared; the block was confirmed, and users and roles migrated once more',
  'capped collections': 'the ends of capped collections were compared',
  'last look': 'all that the source acknowledged until now was confirmed to be on the destination',
  announcement:
    'the commit was announced on the source, the block confirmed, and the names on the destination compared',
  commit: 'the point of no return was recorded',
  'index restoration': 'unique indexes began to refuse new duplicates, and documents may expire again',
  opening: "the destination's write block was lifted",
  'unique conversion': 'unique indexes were converted, while users write on the destination',
  adoption: 'users and roles were recorded as made by this migration',
  watch: 'the source was watched for late writes',
  reopening: 'the source was opened again',
} as const;

export type CutoverStepName = keyof typeof CUTOVER_STEPS;

const NO_ACCOUNTS = 'users and roles stay as they are: the migration is without them';
/** The purposes of the steps about users and roles in a migration without them. */
const WITHOUT_ACCOUNTS: Partial<Record<CutoverStepName, string>> = {
  accounts: NO_ACCOUNTS,
  drain: 'what users wrote before the block was applied, and compared; the block was confirmed',
  adoption: NO_ACCOUNTS,
};

/** Returns the purpose of a step. */
export function purposeOf(step: CutoverStepName, movesAccounts: boolean): string {
  return (movesAccounts ? undefined : WITHOUT_ACCOUNTS[step]) ?? CUTOVER_STEPS[step];
}

/** The verification's counts when the cutover committed. */
export interface CutoverEvidence {
  readonly mode: VerificationMode;
  readonly documentsCompared: number;
  readonly documentsRechecked: number;
  /** Documents that differed although no change explained it, and how many of them still did. */
  readonly differed: number;
  readonly open: number;
  /** The ranges that a digest helper found equal; absent without one. */
  readonly digests?: { readonly host: string; readonly ranges: number; readonly documents: number };
  /** The source's time at which both sides were proven equal; null when none is. */
  readonly equalAt: string | null;
  /** Documents that other clients wrote on the destination. */
  readonly externalWrites: number;
  /** Whether the engine would have seen writes of other clients on the destination. */
  readonly seesExternalWrites: boolean;
  /** Capped collections that changed or differed when they were last compared, by their namespaces on the source. */
  readonly cappedUncertain: readonly string[];
  /** The warnings that the verification had. */
  readonly warnings: readonly string[];
}
