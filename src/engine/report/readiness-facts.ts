import type { Migrated } from '../collections/context.ts';
import type { Clusters, Pace } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { CutoverAttempts } from './cutover-attempts.ts';
import type { MeasuredConditions } from './measured-conditions.ts';
import type { ReadinessFacts } from './readiness.ts';
import type { StreamView } from './run-view.ts';
import { waitsBesideDrops, waitsOfDisplaced } from './waits.ts';

/** The fields of a run that its readiness depends on. */
interface ReadinessView {
  readonly context: Clusters & Pace & Migrated;
  readonly log: MigrationLog;
  readonly follower: StreamView | undefined;
  readonly attempts: CutoverAttempts;
  readonly conditions: MeasuredConditions;
}

const NO_ESTIMATES = { copy: null, documents: null, lag: null };

/** Returns the facts that the gates of a run depend on. */
export function readinessFacts(run: ReadinessView, eta: ReadinessFacts['eta'] = NO_ESTIMATES): ReadinessFacts {
  const { context, log, follower, attempts, conditions } = run;
  const collections = [...context.tracked.values()];
  const built = collections.filter(({ isDone }) => isDone);
  const count = (some: typeof collections) => some.reduce((sum, { indexes }) => sum + indexes.length, 0);
  const { drops } = context;
  return {
    nowMs: context.clock.now(),
    state: log.record.state,
    isPaused: context.gate.closed,
    collections: {
      total: collections.length,
      copied: collections.filter(({ isCopied }) => isCopied).length,
      live: collections.filter(({ state }) => state === 'live').length,
    },
    indexes: { total: count(collections), built: count(built) },
    suspect: collections.filter(({ suspicion }) => suspicion !== null).map(({ namespace }) => namespace),
    drops: { any: drops.any, wait: drops.wait },
    waits: waitsBesideDrops(context),
    // rule: displaced-is-not-ready
    displaced: waitsOfDisplaced(context, 0),
    attempt: attempts.isDue ? undefined : attempts.wait,
    stream: follower && {
      allLive: follower.allLive,
      lagSeconds: follower.lag.lagSeconds,
      applied: follower.lag.applied,
      compared: follower.lag.compared,
      whyUnanswered: follower.lag.whyUnanswered,
      verification: follower.verification,
      oplog: follower.oplog.headroom,
      shards: follower.oplog.shards,
    },
    conditions,
    destination: { keepsOthers: context.keepsDestination, wasBlocked: log.record.blocksDestination ?? false },
    eta,
  };
}
