import { OF_CUTOVER, UNTIL_CUTOVER } from '../engine/kill-points.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { drawFault, type Fault, type FaultKind, WITH_TRIALS } from './fault.ts';
import { ODD_WRITERS, type OddWriter, type Side } from './plan.ts';
import { drawTrials, type TrialCutover } from './trial-cutovers.ts';
import { drawTwins, type Twin } from './twins.ts';

/** Faults that a migration from a sharded cluster has to survive without a failure. */
const KINDS: readonly FaultKind[] = [
  'kill',
  'terminate',
  'freeze',
  'zombie',
  'pause',
  'stepDown',
  'restart',
  'refuse',
  'full',
  'cut',
  'slow',
  'blackHole',
  'lag',
  'router',
];
/** More than the number of shards, routers and config servers. */
const PLACES = 12;

/** A migration from a sharded cluster. */
export interface ShardedPlan {
  readonly seed: number;
  /** Members of the destination. */
  readonly members: 1 | 3;
  /** Whether the engine reaches the routers, or the destination, through proxies. */
  readonly proxied: Readonly<Record<Side, boolean>>;
  /** The proxies' permanent limit for each connection; unlimited if missing. */
  readonly bytesPerSecond: number | undefined;
  readonly documents: number;
  readonly documentBytes: number;
  readonly writesPerSecond: number;
  readonly oddWriters: readonly OddWriter[];
  readonly catalogEveryMs: number;
  readonly catalogStandsStill: boolean;
  readonly catalogUntilEnd: boolean;
  /** Whether sharded collections are also created, renamed, resharded and dropped. */
  readonly reshards: boolean;
  /** Whether the balancer is on, with zones that change. Chunks of other collections move in all rounds. */
  readonly balancer: boolean;
  readonly twins: readonly Twin[];
  readonly followMs: number;
  readonly trials: readonly TrialCutover[];
  readonly hooks: readonly string[];
  readonly faults: readonly Fault[];
}

/** Returns the plan of a seed. @param kinds  the faults to choose from */
export function drawSharded(seed: number, kinds: readonly FaultKind[]): ShardedPlan {
  const random = new SeededRandom(seed);
  const chance = (probability: number) => random.next() < probability;
  const members = chance(0.15) ? 3 : 1;
  const proxied = { source: chance(0.3), destination: members === 1 && chance(0.3) };
  const able = kinds.filter((kind) => {
    if (kind === 'lag' && members === 1) return false;
    const needsProxy = ['cut', 'slow', 'blackHole'].includes(kind);
    return KINDS.includes(kind) && (!needsProxy || proxied.source || proxied.destination);
  });
  const trials = drawTrials(random);
  const faults = Array.from({ length: able.length === 0 ? 0 : random.pick([0, 1, 2, 3, 4, 5]) }, () =>
    drawShardedFault(random, able, proxied, trials.length > 0),
  );
  const hooks = Array.from({ length: random.pick([0, 0, 1, 1, 2]) }, () => {
    return `${random.pick(chance(0.5) ? UNTIL_CUTOVER : OF_CUTOVER)}=${chance(0.85) ? 'kill' : 'stop'}`;
  });
  return {
    seed,
    members,
    proxied,
    bytesPerSecond: chance(0.5) ? 1_000_000 * (1 + random.integer(4)) : undefined,
    documents: 200 + random.integer(1_000),
    documentBytes: random.pick([200, 1_000, 3_000]),
    writesPerSecond: 10 + random.integer(50),
    // Unstreamed writes are not seen on a sharded source.
    oddWriters: ODD_WRITERS.filter((name) => name !== 'unstreamed' && chance(0.5)),
    catalogEveryMs: random.pick([300, 1_000]),
    catalogStandsStill: chance(0.4),
    catalogUntilEnd: chance(0.5),
    reshards: chance(0.5),
    balancer: chance(0.3),
    twins: chance(0.4) ? drawTwins(random) : [],
    followMs: 1_000 + random.integer(4_000),
    trials,
    hooks,
    faults: faults.filter(
      ({ kind }, place) => kind !== 'lag' || faults.findIndex((one) => one.kind === kind) === place,
    ),
  };
}

function drawShardedFault(
  random: SeededRandom,
  kinds: readonly FaultKind[],
  proxied: Readonly<Record<Side, boolean>>,
  hasTrials: boolean,
): Fault {
  const fault = drawFault(random, kinds, proxied, hasTrials ? WITH_TRIALS : undefined);
  // The shards know the routers' commands, not the engine's.
  if (fault.kind === 'refuse' && fault.side === 'source') return drawShardedFault(random, kinds, proxied, hasTrials);
  return { ...fault, place: random.integer(PLACES) };
}
