import { OF_CUTOVER, OF_REVERSE } from '../engine/kill-points.ts';
import { SeededRandom } from '../support/seeded-random.ts';

/** Named points of the control plane where its life may end: a request or a report is stored, and not answered. */
const OF_SERVER = [
  'control.cutover.committed',
  'control.reverse.committed',
  'control.report.committed@40',
  'control.report.committed@160',
  'control.order.sent',
];
const OF_AGENT = [...OF_CUTOVER.filter((point) => !point.includes('@')), ...OF_REVERSE, 'engine.checkpoint.saved@2'];
const MOMENTS = ['in sync', 'commit', 'failback'] as const;
const PROCESSES = ['agent', 'server'] as const;
/** With a second agent, which stands by. */
const PROCESSES_OF_TWO = ['agent', 'spare', 'server'] as const;
/** A standby takes over after 20 s. */
const LONGER_THAN_LEASE_MS = 45_000;

/** The end of a process of a push migration, after which it is started again. */
export interface ProcessFault {
  readonly moment: (typeof MOMENTS)[number];
  readonly process: (typeof PROCESSES_OF_TWO)[number];
  /** `LOST`: SIGKILL, also for its watchdogs, as when its host is lost. */
  readonly signal: 'SIGKILL' | 'SIGTERM' | 'LOST';
  /** Time from the moment to the signal, and from its end to its start. */
  readonly afterMs: number;
  readonly downMs: number;
}

interface PushedTurn {
  /** Time of following before the cutover is requested. */
  readonly followMs: number;
  readonly faults: readonly ProcessFault[];
  /** Moves to the host that stands by. */
  readonly moves: readonly Pick<ProcessFault, 'moment' | 'afterMs'>[];
}

/** A reversible migration through control plane and agent, whose users move from one side to the other several times. */
export interface PushedPlan {
  readonly seed: number;
  /** Whether a second agent stands by. */
  readonly standby: boolean;
  /** Whether a digest helper compares beside the destination. */
  readonly digests: boolean;
  readonly turns: readonly PushedTurn[];
  /** Named points where a process kills itself, one for each of its lives in order. */
  readonly hooks: Readonly<Record<ProcessFault['process'], readonly string[]>>;
}

/** Returns the plan of a seed. @param standby  whether a second agent stands by */
export function drawPushed(seed: number, standby = false): PushedPlan {
  const random = new SeededRandom(seed);
  const drawHooks = (points: readonly string[]) =>
    Array.from({ length: random.pick([0, 1, 2, 3]) }, () => `${random.pick(points)}=kill`);
  const hooks = { agent: drawHooks(OF_AGENT), server: drawHooks(OF_SERVER), spare: standby ? drawHooks(OF_AGENT) : [] };
  const drawMoves = () =>
    Array.from({ length: random.pick([0, 1, 2]) }, () => ({
      moment: random.pick(MOMENTS),
      afterMs: random.integer(6_000),
    }));
  const turns = Array.from({ length: 2 + random.integer(3) }, () => ({
    followMs: random.integer(2_000),
    faults: Array.from({ length: random.pick([0, 1, 2, 3]) }, () => ({
      moment: random.pick(MOMENTS),
      process: random.pick(standby ? PROCESSES_OF_TWO : PROCESSES),
      signal: random.next() < 0.7 ? (standby ? ('LOST' as const) : ('SIGKILL' as const)) : ('SIGTERM' as const),
      afterMs: random.integer(3_000),
      downMs: random.next() < 0.7 ? random.integer(500) : random.integer(standby ? LONGER_THAN_LEASE_MS : 8_000),
    })),
    moves: standby ? drawMoves() : [],
  }));
  const digests = random.next() < 0.5;
  return { seed, standby, digests, turns, hooks };
}
