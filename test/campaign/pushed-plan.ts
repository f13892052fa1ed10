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

/** The end of a process of a push migration, after which it is started again. */
export interface ProcessFault {
  readonly moment: (typeof MOMENTS)[number];
  readonly process: (typeof PROCESSES)[number];
  readonly signal: 'SIGKILL' | 'SIGTERM';
  /** Time from the moment to the signal, and from its end to its start. */
  readonly afterMs: number;
  readonly downMs: number;
}

/** A reversible migration through control plane and agent, whose users move from one side to the other several times. */
export interface PushedPlan {
  readonly seed: number;
  /** `followMs`: time of following before the cutover is requested. */
  readonly turns: readonly { readonly followMs: number; readonly faults: readonly ProcessFault[] }[];
  /** Named points where a process kills itself, one for each of its lives in order. */
  readonly hooks: Readonly<Record<ProcessFault['process'], readonly string[]>>;
}

/** Returns the plan of a seed. */
export function drawPushed(seed: number): PushedPlan {
  const random = new SeededRandom(seed);
  const drawHooks = (points: readonly string[]) =>
    Array.from({ length: random.pick([0, 1, 2, 3]) }, () => `${random.pick(points)}=kill`);
  const hooks = { agent: drawHooks(OF_AGENT), server: drawHooks(OF_SERVER) };
  const turns = Array.from({ length: 2 + random.integer(3) }, () => ({
    followMs: random.integer(2_000),
    faults: Array.from({ length: random.pick([0, 1, 2, 3]) }, () => ({
      moment: random.pick(MOMENTS),
      process: random.pick(PROCESSES),
      signal: random.next() < 0.7 ? ('SIGKILL' as const) : ('SIGTERM' as const),
      afterMs: random.integer(3_000),
      downMs: random.next() < 0.7 ? random.integer(500) : random.integer(8_000),
    })),
  }));
  return { seed, turns, hooks };
}
