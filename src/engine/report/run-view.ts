import type { Timestamp } from 'mongodb';
import type { Finding, IndexBuild, Progress } from '../../contract/index.ts';
import type { LagReading } from '../capture/lag-meter.ts';
import type { OplogWatch } from '../capture/oplog-watch.ts';
import type { Migrated } from '../collections/context.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { CutoverAttempts } from './cutover-attempts.ts';
import type { MeasuredConditions } from './measured-conditions.ts';
import type { Speed } from './speed.ts';
import type { TimeMeter } from './time-shares.ts';
import type { VerificationView } from './verification-progress.ts';

/** The fields of the change stream that a report reads. */
export interface StreamView {
  readonly lag: {
    readonly lagSeconds: number | null;
    readonly applied: LagReading;
    readonly compared: LagReading;
    readonly whyUnanswered: string | undefined;
  };
  /** Whether every collection follows its changes. */
  readonly allLive: boolean;
  /** Dirty keys that wait to be applied. */
  readonly queued: number;
  readonly verification: VerificationView;
  /** Undefined while something isn't compared, or differs. */
  readonly provenAt: Timestamp | undefined;
  readonly oplog: OplogWatch;
  readonly unstreamed: { readonly warnings: readonly string[] };
}

/** The fields of a run that a report reads. */
export interface RunView {
  readonly context: Clusters & Pace & Telling & Migrated;
  readonly log: MigrationLog;
  /** Undefined until the run follows the source. */
  readonly follower: StreamView | undefined;
  /** Whether the records are loaded: before that, there are no figures. */
  readonly loaded: boolean;
  readonly failure: Progress['error'];
  readonly resumedFrom: Progress['resumedFrom'];
  readonly attempts: CutoverAttempts;
  readonly indexBuilds: { readonly current: readonly IndexBuild[] | null };
  readonly conditions: MeasuredConditions;
  readonly speed: Speed;
  readonly time: Pick<TimeMeter, 'shares'>;
  readonly pings: Progress['pingMs'];
  readonly addresses: Progress['addresses'];
  readonly findings: { readonly all: readonly Finding[] };
  readonly warnings: readonly string[];
}
