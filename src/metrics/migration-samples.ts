import { MIGRATION_STATES, type Progress, phaseName } from '../contract/index.ts';
import { CUTOVER_STEPS } from '../engine/index.ts';
import type { MetricName } from './catalogue.ts';
import { MOST_SHOWN, oneOf, type Sample } from './sample.ts';

/** A migration to show, under the id by which this process knows it. */
export interface MeasuredMigration {
  readonly id: string;
  readonly progress: Progress;
  /** Absent before the cutover of a reversible migration. */
  readonly failback?: MeasuredFailback | undefined;
  /** How many things have gone wrong since the cutover; undefined before it, and where it is unknown. */
  readonly problems?: number | undefined;
  /** Whether its counts began in this process, so that counters begin with all of them. */
  readonly beganHere: boolean;
}

/** The failback of a reversible migration that has cut over. */
export interface MeasuredFailback {
  readonly state: (typeof FAILBACK_STATES)[number];
  readonly ready?: boolean;
  readonly lagSeconds?: number | null;
  /** The headroom of the oplog on the side with users. An agent of another version doesn't report it. */
  readonly oplogLeftSeconds?: number | null | undefined;
}

const FAILBACK_STATES = ['PREPARING', 'FOLLOWING', 'FAILED', 'CLOSED'] as const;

const PHASES: ReadonlySet<string> = new Set(phaseName.options);

/** The label of each use of time. */
const USES = {
  sourceRead: 'source_read',
  engine: 'engine',
  destinationWrite: 'destination_write',
  throttled: 'throttled',
  memory: 'memory',
  idle: 'idle',
} as const satisfies Readonly<Record<Exclude<keyof NonNullable<Progress['timeShares']>, 'seconds'>, string>>;

/** The most shards of one migration in one scrape. */
const MOST_SHARDS = 100;

/** The metrics whose only label is the migration. */
type Simple = Extract<Sample, { readonly labels: { readonly migration: string } }>['name'];

/** Returns the samples of the migrations that an engine runs in this process. */
export function engineSamples(
  running: readonly (Pick<MeasuredMigration, 'failback' | 'problems'> & { readonly progress: Progress })[],
): {
  readonly samples: readonly Sample[];
  readonly isComplete: boolean;
} {
  const migrations = running.map(({ progress, failback, problems }) => ({
    id: progress.migrationId,
    progress,
    failback,
    problems,
    beganHere: progress.resumedFrom === undefined,
  }));
  return { samples: migrationSamples(migrations), isComplete: migrations.length <= MOST_SHOWN };
}

/**
 * Returns the samples of migrations. A value that is unknown has no sample. Before an engine has loaded its records,
 * there are only its state and its waits.
 */
export function migrationSamples(migrations: readonly MeasuredMigration[]): Sample[] {
  return migrations.slice(0, MOST_SHOWN).flatMap(samplesOf);
}

function samplesOf({ id, progress, failback, problems, beganHere }: MeasuredMigration): Sample[] {
  const { state, waiting } = progress;
  const oldest = waiting.length === 0 ? null : Math.min(...waiting.map(({ since }) => secondsAt(since)));
  const samples: (Sample | undefined)[] = [
    ...oneOf(MIGRATION_STATES, state, (one, value) => ({
      name: 'linkspan_migration_state',
      labels: { migration: id, state: one },
      value,
    })),
    known(id, 'linkspan_waits', waiting.length),
    known(id, 'linkspan_oldest_wait_timestamp_seconds', oldest),
    // Until then all figures are 0, which would look like lost data.
    ...(state === 'CREATED' ? [] : loadedSamples(id, progress, beganHere)),
    ...(failback === undefined ? [] : failbackSamples(id, failback)),
    known(id, 'linkspan_problems', problems),
  ];
  return samples.filter((sample) => sample !== undefined);
}

function loadedSamples(id: string, progress: Progress, beganHere: boolean): (Sample | undefined)[] {
  const { copy, changes, oplog, pingMs, etaSeconds, lagSeconds, readyForCutover } = progress;
  const counted = (name: MetricName, value: number) =>
    ({ ...simple(id, name, value), from: beganHere ? 0 : value }) as Sample;
  return [
    known(id, 'linkspan_collections', copy.collectionsTotal),
    known(id, 'linkspan_copied_collections', copy.collectionsDone),
    known(id, 'linkspan_quarantined_collections', copy.collectionsQuarantined),
    known(id, 'linkspan_copied_bytes', copy.bytesCopied),
    known(id, 'linkspan_copy_expected_bytes', copy.bytesTotal),
    known(id, 'linkspan_copied_documents', copy.documentsCopied),
    known(id, 'linkspan_copy_expected_documents', copy.documentsTotal),
    counted('linkspan_copy_restarts_total', copy.restarts),
    counted('linkspan_events_read_total', changes.read),
    counted('linkspan_events_applied_total', changes.applied),
    known(id, 'linkspan_queue_keys', changes.queued),
    known(id, 'linkspan_lag_seconds', lagSeconds),
    known(id, 'linkspan_eta_seconds', etaSeconds),
    known(id, 'linkspan_source_oplog_window_seconds', oplog?.windowSeconds),
    known(id, 'linkspan_oplog_headroom_seconds', oplog?.leftSeconds),
    known(id, 'linkspan_oplog_headroom_ratio', scaled(oplog?.headroomPercent, 100)),
    known(id, 'linkspan_ready_for_cutover', Number(readyForCutover)),
    ...(['source', 'destination'] as const).map((side) => pingSample(id, side, pingMs[side])),
    ...compressionSamples(id, progress),
    ...shardSamples(id, progress),
    ...timeShareSamples(id, progress),
    ...phaseSamples(id, progress),
    ...indexSamples(id, progress),
    ...verificationSamples(id, progress),
    ...lastingSamples(id, progress),
  ];
}

/**
 * Returns the samples that stay true when no agent reports any more: whether the source is blocked, and the last cutover.
 */
export function lastingSamples(id: string, progress: Progress): Sample[] {
  const { cutover, cutoverReport } = progress;
  const isBlocked = cutover?.blocking === true && cutover.canWriteAt === undefined;
  const samples = [
    known(id, 'linkspan_source_blocked', Number(isBlocked)),
    known(id, 'linkspan_write_pause_seconds', scaled(cutoverReport?.pause.milliseconds, 1_000)),
    ...stepSamples(id, progress),
  ];
  return samples.filter((sample) => sample !== undefined);
}

function pingSample(id: string, side: string, milliseconds: number | null | undefined): Sample | undefined {
  const value = scaled(milliseconds, 1_000);
  return value === undefined ? undefined : { name: 'linkspan_ping_seconds', labels: { migration: id, side }, value };
}

function compressionSamples(id: string, { compression = {} }: Progress): Sample[] {
  return (['source', 'destination'] as const).flatMap((side) => {
    const { messageBytes = 0, wireBytes = 0 } = compression[side] ?? {};
    if (wireBytes === 0) return [];
    return [{ name: 'linkspan_compression_ratio', labels: { migration: id, side }, value: messageBytes / wireBytes }];
  });
}

function shardSamples(id: string, { shards = [] }: Progress): Sample[] {
  return shards.slice(0, MOST_SHARDS).flatMap(({ shard, whyUnknown, oplog, rates, pingMs }) => {
    const values = {
      linkspan_shard_seen: Number(whyUnknown === null),
      linkspan_shard_oplog_headroom_seconds: oplog?.leftSeconds,
      linkspan_shard_oplog_headroom_ratio: scaled(oplog?.headroomPercent, 100),
      linkspan_shard_writes_per_second: rates?.writesPerSecond,
      linkspan_shard_reads_per_second: rates?.readsPerSecond,
      linkspan_shard_oplog_bytes_per_second: rates?.oplogBytesPerSecond,
      linkspan_shard_ping_seconds: scaled(pingMs, 1_000),
    };
    const labels = { migration: id, shard };
    return (Object.keys(values) as (keyof typeof values)[]).flatMap((name) => {
      const value = values[name];
      return typeof value === 'number' ? [{ name, labels, value }] : [];
    });
  });
}

function timeShareSamples(id: string, { timeShares }: Progress): Sample[] {
  if (timeShares === undefined) return [];
  return (Object.keys(USES) as (keyof typeof USES)[]).map((use) => ({
    name: 'linkspan_time_share_ratio',
    labels: { migration: id, use: USES[use] },
    value: timeShares[use],
  }));
}

function phaseSamples(id: string, { phases }: Progress): Sample[] {
  return phases
    .filter(({ name }) => PHASES.has(name))
    .flatMap(({ name: phase, startedAt, endedAt }) => {
      const labels = { migration: id, phase };
      const start = { name: 'linkspan_phase_start_timestamp_seconds', labels, value: secondsAt(startedAt) } as const;
      if (endedAt === undefined) return [start];
      return [start, { name: 'linkspan_phase_end_timestamp_seconds', labels, value: secondsAt(endedAt) } as const];
    });
}

function indexSamples(id: string, { indexes }: Progress): Sample[] {
  const { total, built } = indexes;
  const sample = (state: string, value: number) =>
    ({ name: 'linkspan_indexes', labels: { migration: id, state }, value }) as const;
  return [sample('built', built), sample('unbuilt', Math.max(0, total - built))];
}

function verificationSamples(id: string, { verification }: Progress): (Sample | undefined)[] {
  if (verification.mode === 'OFF') return [];
  const { documentsCompared, documentsTotal, mismatches, equalAt } = verification;
  const mismatch = (state: string, value: number) =>
    ({ name: 'linkspan_verification_mismatches', labels: { migration: id, state }, value }) as const;
  return [
    known(id, 'linkspan_verified_documents', documentsCompared),
    known(id, 'linkspan_verification_expected_documents', documentsTotal),
    known(id, 'linkspan_verified_equal_timestamp_seconds', equalAt === null ? null : secondsAt(equalAt)),
    mismatch('open', mismatches.open),
    mismatch('settled', Math.max(0, mismatches.found - mismatches.open)),
  ];
}

function failbackSamples(
  id: string,
  { state, ready, lagSeconds, oplogLeftSeconds }: MeasuredFailback,
): (Sample | undefined)[] {
  return [
    ...oneOf(FAILBACK_STATES, state, (one, value) => ({
      name: 'linkspan_failback_state',
      labels: { migration: id, state: one },
      value,
    })),
    known(id, 'linkspan_failback_ready', ready === undefined ? undefined : Number(ready)),
    known(id, 'linkspan_failback_lag_seconds', lagSeconds),
    known(id, 'linkspan_failback_oplog_headroom_seconds', oplogLeftSeconds),
  ];
}

/** An agent's report may name any step, so only those of the catalogue become labels. */
function stepSamples(id: string, { cutoverAttempts }: Progress): Sample[] {
  const committed = cutoverAttempts.findLast(({ result }) => result === 'COMMITTED');
  return (committed?.steps ?? []).flatMap(({ name: step, durationMs }) =>
    durationMs === undefined || !Object.hasOwn(CUTOVER_STEPS, step)
      ? []
      : [
          {
            name: 'linkspan_cutover_step_seconds',
            labels: { migration: id, step },
            value: durationMs / 1_000,
          } as const,
        ],
  );
}

function known(id: string, name: Simple, value: number | null | undefined): Sample | undefined {
  return value === null || value === undefined ? undefined : simple(id, name, value);
}

function simple(id: string, name: MetricName, value: number): Sample {
  return { name, labels: { migration: id }, value } as Sample;
}

function scaled(value: number | null | undefined, by: number): number | undefined {
  return value === null || value === undefined ? undefined : value / by;
}

function secondsAt(date: string): number {
  return Date.parse(date) / 1_000;
}
