import type { SeededRandom } from '../support/seeded-random.ts';
import type { Side } from './plan.ts';

/**
 * Phases of a migration in their order, named as in `linkspan sync`. `trial` begins with the first cutover that ends with the
 * source open (`trial-cutovers.ts`), `commit` with the request of the last one, `failback` when a reversible migration has
 * cut over.
 */
export const MOMENTS = [
  'start',
  'copying',
  'building indexes',
  'catching up',
  'in sync',
  'trial',
  'commit',
  'failback',
] as const;
export type Moment = (typeof MOMENTS)[number];

/** Relative frequency of each kind; cheap ones are more frequent. */
const WEIGHTS = {
  /** The engine gets SIGKILL and is started again. */
  kill: 8,
  /** The engine gets SIGTERM and is started again. */
  terminate: 2,
  /** The engine gets SIGSTOP, and later SIGCONT. */
  freeze: 6,
  /** A second engine starts while the first is stopped. Then the first resumes. */
  zombie: 4,
  /** `pause` and `resume`. */
  pause: 3,
  stepDown: 6,
  /** The primary of a side gets SIGKILL and is started again. */
  restart: 3,
  /** A side of three members loses its majority: both secondaries get SIGKILL and are started again. */
  minority: 5,
  /** Commands of the engine fail with transient errors. */
  refuse: 12,
  /** The stream fails with the error for an oplog that no longer has its position. */
  history: 2,
  /** The destination's disk is full for a while. */
  full: 3,
  cut: 5,
  slow: 3,
  blackHole: 4,
  /** The engine is stopped until the source has overwritten its small oplog. */
  overrun: 1,
  /** A source of three members rolls back a change of its catalog. */
  rollBack: 6,
  /** A destination of three members elects a primary whose majority snapshot lags. */
  lag: 6,
  /** A user who bypasses the write block writes on the source while it is blocked. */
  bypass: 2,
  /** Applications still write to the selected namespaces. */
  late: 6,
  /** A router of a sharded source is killed and started again. */
  router: 8,
} as const;

/** Changes of the catalog that a source may roll back. */
const ROLLED_BACK = ['drop', 'dropDatabase', 'rename', 'dropAndCreate', 'createIndex'] as const;
export type RolledBack = (typeof ROLLED_BACK)[number];

export type FaultKind = keyof typeof WEIGHTS;
export const FAULT_KINDS = Object.keys(WEIGHTS) as FaultKind[];

export interface Fault {
  readonly kind: FaultKind;
  /** The fault begins `afterMs` after the migration first reached this moment. */
  readonly moment: Moment;
  readonly afterMs: number;
  readonly lastsMs: number;
  readonly side: Side;
  /** Which router, shard or config server of a sharded source it affects; counted round its list. */
  readonly place?: number;
  /** `refuse`, `history`, `full`: `data` of the server's `failCommand`, and the number of failing commands; by default all during the fault. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** `bypass`, `late`: pause between two writes. */
  readonly everyMs?: number;
  /** `late`: whether it begins when the engine has stopped itself between its drain and the commit. */
  readonly afterDrain?: boolean;
  /** `rollBack`: the change that is rolled back. */
  readonly change?: RolledBack;
  readonly times?: number;
}

const READS = ['find', 'getMore', 'aggregate', 'listCollections', 'listIndexes', 'listDatabases'];
const WRITES = ['insert', 'update', 'delete'];
const CATALOG = ['create', 'drop', 'renameCollection', 'collMod', 'createIndexes', 'dropIndexes'];
const COMMANDS: Readonly<Record<Side, readonly (readonly string[])[]>> = {
  source: [
    ['getMore'],
    ['find'],
    ['aggregate'],
    READS,
    ['appendOplogNote'],
    ['setUserWriteBlockMode'],
    ['hello', 'ping'],
  ],
  destination: [
    ['insert'],
    ['update'],
    ['delete'],
    WRITES,
    ['createIndexes'],
    ['collMod'],
    CATALOG,
    READS,
    ['setUserWriteBlockMode'],
  ],
};
/** Errors of elections, shutdowns, conflicts and time limits. */
const PASSING: Readonly<Record<Side, readonly number[]>> = {
  source: [91, 189, 10_107, 11_600, 11_602, 6, 50, 262, 13_436],
  destination: [91, 189, 10_107, 11_600, 11_602, 112, 50, 262, 64],
};
type MomentWeights = Readonly<Partial<Record<Moment, number>>>;
/** Relative frequency of the moments at which faults begin. */
const MOMENT_WEIGHTS: MomentWeights = {
  start: 1,
  copying: 5,
  'building indexes': 1,
  'catching up': 2,
  'in sync': 4,
  commit: 6,
};
export const WITH_TRIALS: MomentWeights = { ...MOMENT_WEIGHTS, trial: 5 };
const CURSOR_NOT_FOUND = 43;
const HISTORY_LOST = [286, 280, 136];
const OUT_OF_DISK_SPACE = 14_031;
/** Share of the black holes that last longer than 15 s, when the engine closes the connections of a silent server. */
const LONG_SILENCES = 0.4;
const LONG_SILENCE_MS = 16_000;

export function drawFault(
  random: SeededRandom,
  kinds: readonly FaultKind[],
  proxied: Readonly<Record<Side, boolean>>,
  moments: MomentWeights = MOMENT_WEIGHTS,
): Fault {
  const kind = random.weighted(
    Object.fromEntries(kinds.map((one) => [one, WEIGHTS[one]])) as Record<FaultKind, number>,
  );
  const overProxy = kind === 'cut' || kind === 'slow' || kind === 'blackHole';
  const sides = (['source', 'destination'] as const).filter((side) => !overProxy || proxied[side]);
  const moment = random.weighted(moments as Record<Moment, number>);
  const base = {
    kind,
    moment,
    // A cutover takes about 100 ms.
    afterMs: random.integer(moment === 'commit' ? 400 : 2_000),
    lastsMs: 300 + random.integer(4_000),
    side: random.pick(sides),
  };
  switch (kind) {
    case 'refuse':
      return { ...base, ...drawRefusal(random, base.side) };
    case 'history': {
      // Only for the deployment's change stream: other cursors never get this error.
      const data = {
        failCommands: ['getMore'],
        errorCode: random.pick(HISTORY_LOST),
        namespace: 'admin.$cmd.aggregate',
      };
      return { ...base, side: 'source', data, times: 1 };
    }
    case 'full':
      return {
        ...base,
        side: 'destination',
        data: { failCommands: random.pick([WRITES, ['insert'], ['createIndexes']]), errorCode: OUT_OF_DISK_SPACE },
      };
    case 'rollBack':
      return { ...base, side: 'source', change: random.next() < 0.5 ? 'drop' : random.pick(ROLLED_BACK) };
    case 'lag':
      return { ...base, side: 'destination' };
    // Before the cutover such a writer does not differ from others.
    case 'bypass':
      return { ...base, side: 'source', moment: 'commit', everyMs: 1 };
    case 'late':
      return { ...base, side: 'source', moment: 'commit', everyMs: 40, afterDrain: random.next() < 0.5 };
    case 'blackHole':
      return {
        ...base,
        lastsMs: random.next() < LONG_SILENCES ? LONG_SILENCE_MS + random.integer(9_000) : base.lastsMs,
      };
    default:
      return base;
  }
}

function drawRefusal(random: SeededRandom, side: Side): Pick<Fault, 'data' | 'times'> {
  const failCommands = random.pick(COMMANDS[side]);
  const times = random.next() < 0.6 ? { times: 1 + random.integer(6) } : {};
  const how = random.next();
  if (how < 0.3) return { data: { failCommands, closeConnection: true }, ...times };
  if (how < 0.5 && side === 'destination') {
    const writeConcernError = { code: 64, errmsg: 'waiting for replication timed out' };
    return { data: { failCommands, writeConcernError }, ...times };
  }
  const cursorGone = failCommands.length === 1 && failCommands[0] === 'getMore' && random.next() < 0.5;
  return { data: { failCommands, errorCode: cursorGone ? CURSOR_NOT_FOUND : random.pick(PASSING[side]) }, ...times };
}
