import { FAULT_KINDS, type FaultKind } from './fault.ts';
import { drawOnce, runOnce } from './once.ts';
import { drawPlan } from './plan.ts';
import { runPushed } from './pushed.ts';
import { drawPushed } from './pushed-plan.ts';
import { drawRefusable, runRefusable } from './refusable.ts';
import { type RoundReport, runRound } from './round.ts';
import type { RoundLog } from './round-log.ts';
import { drawSameDestination, runSameDestination } from './same-destination.ts';
import { runSharded } from './sharded.ts';
import { drawSharded } from './sharded-plan.ts';
import { runThereAndBack } from './there-and-back.ts';
import { drawThereAndBack } from './there-and-back-plan.ts';
import { drawTwoDestinations, runTwoDestinations } from './two-destinations.ts';
import { drawWipedSource, runWipedSource } from './wiped-source.ts';

/** A round as decided by its seed. */
interface Round {
  readonly plan: object;
  /** Whether it listens at named points of this process, which only one round can do at a time. */
  readonly alone: boolean;
  run(log: RoundLog): Promise<RoundReport>;
}

/** Restricts a campaign to kinds of rounds and of faults. */
export interface Choice {
  readonly rounds: readonly RoundKind[];
  readonly faults: readonly FaultKind[];
}

const ROUNDS = {
  /** A migration of the whole source in separate processes, under faults. */
  whole: (seed: number, faults: readonly FaultKind[]) => underFaults(drawPlan(seed, faults)),
  /** A migration of a part of the source in separate processes, under faults. */
  selection: (seed: number, faults: readonly FaultKind[]) => underFaults(drawPlan(seed, faults, { selection: true })),
  once: (seed: number) => alone(drawOnce(seed), runOnce),
  twoDestinations: (seed: number) => alone(drawTwoDestinations(seed), runTwoDestinations),
  sameDestination: (seed: number) => alone(drawSameDestination(seed), runSameDestination),
  wipedSource: (seed: number) => alone(drawWipedSource(seed), runWipedSource),
  refusable: (seed: number) => alone(drawRefusable(seed), runRefusable),
  /** Cutovers of a reversible migration in both directions, in separate processes, under faults. */
  thereAndBack: (seed: number, faults: readonly FaultKind[]) => {
    const plan = drawThereAndBack(seed, faults);
    return { plan, alone: false, run: (log) => runThereAndBack(plan, log) };
  },
  /** A migration from a sharded cluster whose chunks move, in separate processes, under faults. */
  sharded: (seed: number, faults: readonly FaultKind[]) => {
    const plan = drawSharded(seed, faults);
    return { plan, alone: false, run: (log) => runSharded(plan, log) };
  },
  /** The same through control plane and agent, which are killed. */
  pushed: (seed: number) => {
    const plan = drawPushed(seed);
    return { plan, alone: false, run: (log) => runPushed(plan, log) };
  },
  /** The same with a second agent, which stands by, and hosts that are lost for longer than the lease. */
  standby: (seed: number) => {
    const plan = drawPushed(seed, true);
    return { plan, alone: false, run: (log) => runPushed(plan, log) };
  },
} satisfies Record<string, (seed: number, faults: readonly FaultKind[]) => Round>;

export type RoundKind = keyof typeof ROUNDS;
const ROUND_KINDS = Object.keys(ROUNDS) as RoundKind[];

/** Consecutive seeds go through this list, so that a few rounds cover all kinds. */
const MIX: readonly RoundKind[] = [
  'whole',
  'twoDestinations',
  'whole',
  'sharded',
  'sameDestination',
  'selection',
  'once',
  'whole',
  'wipedSource',
  'whole',
  'refusable',
  'thereAndBack',
  'pushed',
  'standby',
];
const OF_FAULTS: readonly RoundKind[] = ['whole', 'selection'];
/** Faults that only a sharded source has. */
const OF_SHARDS: readonly FaultKind[] = ['router'];

/** @param only  kinds of rounds and of faults; all by default */
export function chosen(only: readonly string[]): Choice {
  const unknown = only.find((name) => !([...ROUND_KINDS, ...FAULT_KINDS] as string[]).includes(name));
  if (unknown !== undefined)
    throw new Error(
      `there is no round or fault called ${unknown}; rounds are ${ROUND_KINDS.join(', ')}; faults are ${FAULT_KINDS.join(', ')}`,
    );
  const faults = FAULT_KINDS.filter((kind) => only.includes(kind));
  const rounds = ROUND_KINDS.filter((kind) => only.includes(kind));
  const ofFaults = faults.every((kind) => OF_SHARDS.includes(kind)) ? (['sharded'] as const) : OF_FAULTS;
  return {
    rounds: rounds.length > 0 ? rounds : faults.length > 0 ? ofFaults : MIX,
    faults: faults.length > 0 ? faults : FAULT_KINDS,
  };
}

/** Returns the round of a seed. */
export function roundOf(seed: number, { rounds, faults }: Choice): Round & { readonly kind: RoundKind } {
  const kind = rounds[seed % rounds.length];
  if (kind === undefined) throw new Error('no round is chosen');
  return { kind, ...ROUNDS[kind](seed, faults) };
}

function underFaults(plan: ReturnType<typeof drawPlan>): Round {
  return { plan, alone: false, run: (log) => runRound(plan, log) };
}

function alone<Plan extends object>(plan: Plan, run: (plan: Plan, log: RoundLog) => Promise<RoundReport>): Round {
  return { plan, alone: true, run: (log) => run(plan, log) };
}
