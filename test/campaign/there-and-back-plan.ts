import { ELSEWHERE, OF_CUTOVER, OF_REVERSE } from '../engine/kill-points.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { drawFault, type Fault, type FaultKind, type Moment } from './fault.ts';
import { OF_REHEARSAL, type Side } from './plan.ts';
import { drawTrials, type TrialCutover } from './trial-cutovers.ts';
import { drawUserChanges, type UserChange } from './user-changes.ts';

/** Faults that both directions have to survive without a failure. */
const KINDS: readonly FaultKind[] = [
  'kill',
  'terminate',
  'freeze',
  'zombie',
  'pause',
  'stepDown',
  'restart',
  'minority',
  'refuse',
  'full',
  'cut',
  'slow',
  'blackHole',
];
/** Relative frequency of the moments in a turn at which its faults begin. */
const MOMENTS: Readonly<Partial<Record<Moment, number>>> = { 'in sync': 3, commit: 4, failback: 4 };
/** While values of a unique index are in transit. */
const OF_TRANSIT = Object.keys(ELSEWHERE).filter((point) => point.endsWith('displace') || point.endsWith('displaced'));
const HOOKS = [...OF_CUTOVER.filter((point) => !point.includes('@')), ...OF_REVERSE, ...OF_REHEARSAL, ...OF_TRANSIT];
/** An engine that sleeps so long wakes in another direction. */
const LONGEST_SLEEP_MS = 20_000;

/** The events up to the end of a cutover, and of what begins the next direction. The sides of faults are those of the direction. */
export interface Turn {
  /** Time of following before the cutover is requested. */
  readonly followMs: number;
  readonly trials: readonly TrialCutover[];
  readonly faults: readonly Fault[];
  readonly changes: readonly UserChange[];
  /** Whether a user is created while the side that the users leave is blocked. */
  readonly userInPause: boolean;
  /** Whether `finish` is called before the first cutover, and `cleanup` while the failback is open. */
  readonly misuse: boolean;
}

/** A reversible migration whose users move from one side to the other several times. */
export interface ThereAndBackPlan {
  readonly seed: number;
  readonly members: Readonly<Record<Side, 1 | 3>>;
  readonly proxied: Readonly<Record<Side, boolean>>;
  readonly turns: readonly Turn[];
  /** Whether the old source is restored from before the last cutover, after it. */
  readonly restoresOldSource: boolean;
  /** Named points where the engine kills or stops itself, one for each process in order. */
  readonly hooks: readonly string[];
}

/** Returns the plan of a seed. @param kinds  the faults to choose from */
export function drawThereAndBack(seed: number, kinds: readonly FaultKind[]): ThereAndBackPlan {
  const random = new SeededRandom(seed);
  const chance = (probability: number) => random.next() < probability;
  const drawMembers = () => (chance(0.3) ? (3 as const) : (1 as const));
  const members = { source: drawMembers(), destination: drawMembers() };
  const proxied = {
    source: members.source === 1 && chance(0.6),
    destination: members.destination === 1 && chance(0.6),
  };
  const turned = { source: proxied.destination, destination: proxied.source };
  const hasThree = members.source === 3 || members.destination === 3;
  const possible = kinds.filter((kind) => kind !== 'minority' || hasThree);
  const hooks = Array.from({ length: random.pick([0, 0, 1, 2, 3, 4]) }, () => {
    return `${random.pick(HOOKS)}=${chance(0.8) ? 'kill' : 'stop'}`;
  });
  const turns = Array.from({ length: 2 + random.integer(3) }, (_, n) => {
    const trials = drawTrials(random);
    const faults = Array.from({ length: random.pick([0, 1, 1, 2, 3]) }, () => {
      const moment = random.weighted(MOMENTS as Record<Moment, number>);
      // The failback is the next direction.
      const isTurned = (n + (moment === 'failback' ? 1 : 0)) % 2 === 1;
      return drawTurnFault(random, possible, isTurned ? turned : proxied, moment);
    }).flat();
    const changes = drawUserChanges(random);
    return { followMs: random.integer(2_000), trials, faults, changes, userInPause: chance(0.3), misuse: chance(0.2) };
  });
  return { seed, members, proxied, turns, hooks, restoresOldSource: chance(0.25) };
}

function drawTurnFault(
  random: SeededRandom,
  kinds: readonly FaultKind[],
  proxied: Readonly<Record<Side, boolean>>,
  moment: Moment,
): Fault[] {
  const isProxied = proxied.source || proxied.destination;
  const able = kinds.filter(
    (kind) => KINDS.includes(kind) && (isProxied || !['cut', 'slow', 'blackHole'].includes(kind)),
  );
  if (able.length === 0) return [];
  const fault = drawFault(random, able, proxied, { [moment]: 1 });
  return [fault.kind === 'zombie' ? { ...fault, lastsMs: random.integer(LONGEST_SLEEP_MS) } : fault];
}
