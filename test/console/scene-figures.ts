import { dateOf, GATES, type Gate, type GateName, type Progress } from '../../src/contract/index.ts';
import { CUTOVER_STEPS, type CutoverStepName } from '../../src/engine/records/cutover-attempt.ts';
import { verificationProgress } from '../../src/engine/report/verification-progress.ts';

export const GIB = 1024 ** 3;
export const MINUTE_MS = 60_000;

export const ago = (minutes: number) => Date.now() - minutes * MINUTE_MS;

export const copying: Partial<Progress> = {
  state: 'COPYING',
  since: dateOf(ago(102)),
  phases: [
    { name: 'PREPARING', startedAt: dateOf(ago(103)), endedAt: dateOf(ago(102)) },
    { name: 'COPYING', startedAt: dateOf(ago(102)) },
  ],
  copy: {
    collectionsTotal: 68,
    collectionsDone: 41,
    collectionsQuarantined: 0,
    documentsTotal: 719_445_051,
    documentsCopied: 455_102_611,
    bytesTotal: 412 * GIB,
    bytesCopied: 261 * GIB,
    partitionsTotal: 900,
    partitionsDone: 570,
    restarts: 0,
  },
  indexes: { total: 143, built: 88, building: [{ namespace: 'shop.orders', done: 31, total: 100 }] },
  rates: { bytesPerSecond: 68_400_000, documentsPerSecond: 118_240, changesPerSecond: 5214 },
  etaSeconds: 2380,
  changes: { read: 1_204_118, applied: 1_203_870, duringCopy: 90_000, queued: 248 },
  lagSeconds: 3,
  oplog: { windowSeconds: 41 * 3600, leftSeconds: 38 * 3600, headroomPercent: 93 },
  pingMs: { source: 1.4, destination: 12.6 },
  timeShares: {
    seconds: 60,
    sourceRead: 0.217,
    engine: 0.094,
    destinationWrite: 0.608,
    throttled: 0,
    memory: 0,
    idle: 0.081,
  },
};

const shardOplog = { windowSeconds: 43 * 3600, leftSeconds: 40 * 3600, headroomPercent: 95 };

/** The shards of a source, of which one does not answer. */
export const shards: NonNullable<Progress['shards']> = [
  {
    shard: 'rs-amsterdam',
    whyUnknown: null,
    oplog: shardOplog,
    rates: { writesPerSecond: 4_812, readsPerSecond: 920, oplogBytesPerSecond: 3_400_000 },
    pingMs: 1.4,
  },
  { shard: 'rs-dublin', whyUnknown: 'the user cannot log in there', oplog: null, rates: null, pingMs: null },
];

export const copied: Partial<Progress> = {
  ...copying,
  state: 'FOLLOWING',
  since: dateOf(ago(31)),
  phases: [
    { name: 'PREPARING', startedAt: dateOf(ago(134)), endedAt: dateOf(ago(133)) },
    { name: 'COPYING', startedAt: dateOf(ago(133)), endedAt: dateOf(ago(31)) },
    { name: 'FOLLOWING', startedAt: dateOf(ago(31)) },
  ],
  copy: {
    ...(copying.copy as NonNullable<Progress['copy']>),
    collectionsDone: 68,
    documentsCopied: 719_445_051,
    bytesCopied: 412 * GIB,
  },
  indexes: { total: 143, built: 143, building: null },
  rates: { bytesPerSecond: null, documentsPerSecond: null, changesPerSecond: 5870 },
  etaSeconds: null,
  lagSeconds: 1,
  timeShares: {
    seconds: 60,
    sourceRead: 0.114,
    engine: 0.187,
    destinationWrite: 0.341,
    throttled: 0,
    memory: 0,
    idle: 0.358,
  },
};

export const verification = (changes: Partial<Progress['verification']> = {}): Progress['verification'] => ({
  ...verificationProgress('REPAIR'),
  phase: 'COMPARING',
  seesExternalWrites: true,
  collectionsTotal: 68,
  collectionsDone: 40,
  documentsTotal: 719_445_051,
  documentsCompared: 446_055_930,
  bytesTotal: 412 * GIB,
  bytesCompared: 255 * GIB,
  documentsRechecked: 88_120,
  waiting: 1204,
  catalogDifferences: [],
  documentsPerSecond: 1_120_000,
  bytesPerSecond: 700_000_000,
  etaSeconds: 244,
  ...changes,
});

export const settled = verification({
  phase: 'FOLLOWING',
  collectionsDone: 68,
  documentsCompared: 719_445_051,
  bytesCompared: 412 * GIB,
  waiting: 3,
  equalAt: dateOf(ago(0.1)),
  etaSeconds: null,
});

/** All gates of an engine, passed but for these. */
export function gates(others: Readonly<Partial<Record<GateName, Partial<Gate>>>> = {}): Gate[] {
  const figures: Partial<Record<GateName, Partial<Gate>>> = {
    WAITS: { value: 0, limit: 0 },
    COPY: { value: 68, limit: 68 },
    INDEXES: { value: 143, limit: 143 },
    LAG: { value: 1, limit: 10 },
    DOCUMENTS: { value: 0, limit: 0 },
    OPLOG: { value: 93, limit: 20 },
    TRANSACTIONS: { value: 0, limit: 5 },
  };
  return (Object.keys(GATES) as GateName[])
    .filter((name) => !['AGENT', 'REQUEST', 'WINDOW'].includes(name))
    .map((name) => ({
      name,
      state: 'PASSED' as const,
      value: null,
      limit: null,
      reasons: [],
      measuredAt: dateOf(Date.now()),
      etaSeconds: null,
      ...figures[name],
      ...others[name],
    }));
}

export const ready: Partial<Progress> = {
  ...copied,
  verification: settled,
  readiness: gates({
    TRANSACTIONS: {
      state: 'WAITING',
      value: 14,
      reasons: ['a transaction of reporting has been open for 14 s'],
    },
  }),
  readyForCutover: true,
  notReadyReasons: [],
};

export const steps = (names: readonly CutoverStepName[], until: number) =>
  names.map((name, at) => ({
    name,
    startedAt: dateOf(until - 90 + at),
    durationMs: 12 + at,
    reason: CUTOVER_STEPS[name],
  }));

export const mismatch = {
  namespace: 'shop.orders',
  key: '{"$oid":"6553f1a2c4e8b7001f3d9a10"}',
  class: 'DIFFERENT' as const,
  path: 'items.3.price',
  firstSeen: dateOf(ago(4)),
  times: 2,
  sourceTime: { t: 1, i: 1 },
  destinationTime: { t: 1, i: 2 },
  external: true,
  open: true,
};

export const NO_SPACE = {
  code: 'NAMESPACE_CONFLICT',
  message: 'Collection shop.orders already exists on the destination.',
  remedy: 'Drop it there, or exclude it with `excludeNamespaces`.',
};

export function open(
  value: number | null,
  limit: number | null,
  reason: string,
  etaSeconds: number | null = null,
): Partial<Gate> {
  return { state: 'WAITING', value, limit, reasons: [reason], etaSeconds };
}

export function unknown(reason: string): Partial<Gate> {
  return { state: 'UNKNOWN', reasons: [reason], measuredAt: null };
}
