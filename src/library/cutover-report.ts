/** A step of an attempt to cut over. It ends when the next one begins. */
export interface CutoverReportStep {
  readonly name: string;
  readonly startedAt: string;
  readonly durationMs?: number;
  /** The reason for its wait, or its purpose. */
  readonly reason: string;
  /** The numbers of things that it did. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** An attempt to cut over, or a rehearsal of one. */
export interface CutoverReportAttempt {
  readonly number: number;
  readonly rehearsal?: number;
  readonly startedAt: string;
  readonly result?: string;
  readonly reason?: string;
  /** How long users' writes were stopped. */
  readonly stoppedMs?: number;
  /** The pause that a cutover would have had, as a rehearsal estimates it. */
  readonly wouldStopMs?: number;
  readonly steps: readonly CutoverReportStep[];
}

/**
 * The report of a cutover, from its point of no return on, as JSON. docs/reference/cutover-report.schema.json is its
 * schema. Times are texts in UTC: `2026-11-27T18:00:00.000Z`.
 */
export interface CutoverReport {
  readonly type: 'linkspan cutover';
  readonly formatVersion: 1;
  readonly linkspanVersion: string;
  readonly migrationId: string;
  /** Whether all work after the point of no return is done. */
  readonly isComplete: boolean;
  /** When the migration began. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** From the beginning of the migration to its end, or until now. */
  readonly seconds: number | null;
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
  /** The time in which users could write on neither side; null when the source was not blocked, or while unknown. */
  readonly pause: { readonly milliseconds: number | null; readonly explanation: string };
  readonly copied: {
    readonly collections: number;
    readonly documents: number;
    readonly bytes: number;
    readonly changesApplied: number;
  };
  /** Indexes: all, those that are unique again, and those by which documents expire again. */
  readonly indexes: { readonly total: number; readonly unique: number; readonly expiring: number };
  readonly verification: {
    readonly mode: string;
    /** `equal` only without a reservation: others could not write unseen, and no capped collection may differ. */
    readonly result: 'equal' | 'different' | 'not verified';
    /** The result in words, and what it proves. */
    readonly claim: string;
    readonly documentsCompared: number;
    readonly documentsRechecked: number;
    /** Documents that differed although no change explained it. */
    readonly differed: number;
    /** The source's time at which both sides were proven equal. */
    readonly equalAt: string | null;
  };
  /** The problems since the cutover, the worst first; empty without any. */
  readonly problems: readonly { readonly code: string; readonly message: string; readonly remedy: string }[];
  /**
   * Everything that stays blocked after the cutover, each with the command that lifts it. The command is absent while the
   * way back is open.
   */
  readonly blocked: readonly { readonly what: string; readonly undo?: string }[];
  readonly warnings: readonly string[];
  /** Both sides' connection strings without user, password and other settings. */
  readonly connectionStrings: { readonly before: string; readonly after: string };
  /** Commands that remove what the migration leaves; empty while the way back is open, which needs it. */
  readonly cleanup: readonly { readonly what: string; readonly command: string }[];
  readonly attempts: readonly CutoverReportAttempt[];
}
