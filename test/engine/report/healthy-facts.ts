import type { ReadinessFacts } from '../../../src/engine/report/readiness.ts';

/** A lag that is small and steady. */
export const steady = { ageMs: 500, awakeMs: 500, isKnown: true, isSteady: true, steadyInMs: 0 };
/** The stream of such a migration. */
export const healthyStream = {
  allLive: true,
  lagSeconds: 0,
  applied: steady,
  compared: steady,
  whyUnanswered: undefined,
  verification: {
    mode: 'REPAIR' as const,
    isSettled: true,
    ranges: [],
    collectionsDone: 2,
    rechecks: { size: 0 },
    mismatches: { found: 0, open: 0, latest: [] },
    catalog: { differences: [] },
    external: { count: 0, isBlind: false, warnings: [] },
  },
  oplog: { windowSeconds: 1_000, leftSeconds: 900, headroomPercent: 90 },
};
/** The facts of a migration without any fault. */
export const healthyFacts: ReadinessFacts = {
  nowMs: 1e12,
  state: 'FOLLOWING',
  isPaused: false,
  collections: { total: 2, copied: 2, live: 2 },
  indexes: { total: 3, built: 3 },
  suspect: [],
  drops: { any: false, wait: undefined },
  waits: [],
  displaced: [],
  attempt: undefined,
  stream: healthyStream,
  conditions: {
    activity: { atMs: 1, value: { transactions: [], indexBuilds: [] } },
    sourceBlock: { atMs: 1, value: undefined },
    destinationIsBlocked: { atMs: 1, value: true },
  },
  destination: { keepsOthers: false, wasBlocked: true },
  eta: { copy: null, documents: null, lag: null },
};
