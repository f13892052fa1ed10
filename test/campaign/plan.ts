import { ELSEWHERE, OF_CUTOVER, UNTIL_CUTOVER } from '../engine/kill-points.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { drawFault, type Fault, type FaultKind, WITH_TRIALS } from './fault.ts';
import { drawTrials, type TrialCutover } from './trial-cutovers.ts';

export type Side = 'source' | 'destination';

/** Writers of some rounds. */
export const ODD_WRITERS = ['saves', 'rings', 'letters', 'unstreamed'] as const;
export type OddWriter = (typeof ODD_WRITERS)[number];

/** Everything that a seed decides about a migration. It can't decide the machine's speed, and so the exact moment of a fault. */
export interface Plan {
  readonly seed: number;
  /** Whether only a part of the source is migrated. Then nothing is blocked, and the writers of that part stop before the cutover. */
  readonly selection: boolean;
  readonly members: Readonly<Record<Side, 1 | 3>>;
  /** Size of the source's oplog; 20 MB are soon overwritten. */
  readonly oplogMegabytes: number;
  /** Whether the engine reaches this side through a proxy that cuts connections, delays bytes and loses them. */
  readonly proxied: Readonly<Record<Side, boolean>>;
  /** The proxies' permanent limit for each connection; unlimited if missing. */
  readonly bytesPerSecond: number | undefined;
  /** Number of documents in each of three collections, and their size in bytes. */
  readonly documents: number;
  readonly documentBytes: number;
  /** Whether documents of a source of three members are read from its secondaries. */
  readonly readsSecondaries: boolean;
  /** Whether the first collection has random ids and is larger than the source's cache, so that it is read in natural order. */
  readonly randomIds: boolean;
  readonly writesPerSecond: number;
  readonly oddWriters: readonly OddWriter[];
  /** Pause between two changes of the catalog, or of documents in the collections with such changes. */
  readonly catalogEveryMs: number;
  /** Whether only documents of those collections change. Then no count of progress may decrease. */
  readonly catalogStandsStill: boolean;
  /** Whether the catalog also changes during the cutover. */
  readonly catalogUntilEnd: boolean;
  /** Time of following before the cutover is requested. */
  readonly followMs: number;
  /** Cutovers before the last one, which end with the source open. */
  readonly trials: readonly TrialCutover[];
  /** Named points where the engine kills or stops itself, one for each process in order. */
  readonly hooks: readonly string[];
  readonly faults: readonly Fault[];
}

export const OF_REHEARSAL = Object.keys(ELSEWHERE).filter((point) => point.startsWith('engine.rehearsal.'));

const RANDOM_IDS = 1_000_003;
const READS_SECONDARIES = 1_000_033;

/** Faults that need a replica set of three members. */
const OF_THREE: Readonly<Record<Side, FaultKind>> = { source: 'rollBack', destination: 'lag' };

/** Returns the plan of a seed. @param kinds  the faults to choose from */
export function drawPlan(
  seed: number,
  kinds: readonly FaultKind[],
  { selection }: { readonly selection: boolean } = { selection: false },
): Plan {
  const random = new SeededRandom(seed);
  const chance = (probability: number) => random.next() < probability;
  const onlyOfThree = kinds.every((kind) => kind === 'minority' || Object.values(OF_THREE).includes(kind));
  const drawMembers = (side: Side) => {
    const needsThree = kinds.includes(OF_THREE[side]) || kinds.includes('minority');
    const three = chance(0.2) || (onlyOfThree && needsThree);
    return three ? (3 as const) : (1 as const);
  };
  const members = { source: drawMembers('source'), destination: drawMembers('destination') };
  const smallOplog = kinds.includes('overrun') && chance(0.1);
  const proxied = {
    source: members.source === 1 && chance(0.35),
    destination: members.destination === 1 && chance(0.35),
  };
  const able = kinds.filter((kind) => {
    if (kind === 'overrun') return smallOplog;
    // A member that does not replicate while a small oplog is overwritten can never catch up.
    if (kind === 'rollBack') return members.source === 3 && !smallOplog;
    if (kind === 'lag') return members.destination === 3;
    if (kind === 'minority') return members.source === 3 || members.destination === 3;
    if (kind === 'bypass') return !selection;
    if (kind === 'late') return selection;
    if (kind === 'router') return false;
    return !['cut', 'slow', 'blackHole'].includes(kind) || proxied.source || proxied.destination;
  });
  const trials = drawTrials(random);
  const moments = trials.length > 0 ? WITH_TRIALS : undefined;
  const rehearses = trials.some(({ kind }) => kind === 'rehearsal');
  const ofCutover = [...OF_CUTOVER, ...(rehearses ? OF_REHEARSAL : [])];
  const hooks = Array.from({ length: random.pick([0, 0, 1, 1, 2, 3]) }, () => {
    const point = random.pick(chance(0.55) ? UNTIL_CUTOVER : ofCutover);
    const hook = `${point}=${chance(0.85) ? 'kill' : 'stop'}`;
    return chance(0.3) ? [hook, hook] : [hook];
  }).flat();
  const faults = Array.from({ length: able.length === 0 ? 0 : random.pick([0, 1, 2, 3, 4, 6]) }, () =>
    drawFault(random, able, proxied, moments),
  );
  if (smallOplog) faults.push(drawFault(random, ['overrun'], proxied));
  for (const kind of ['rollBack', 'lag', 'late'] as const)
    if (able.includes(kind) && chance(0.5)) faults.push(drawFault(random, [kind], proxied));
  // Two of these faults at the same time would only end each other.
  const single = faults.filter(
    ({ kind }, place) =>
      !Object.values(OF_THREE).includes(kind) || faults.findIndex((other) => other.kind === kind) === place,
  );
  if (faults.some(({ afterDrain }) => afterDrain)) hooks.push('engine.cutover.drained=stop');
  return {
    seed,
    selection,
    members,
    oplogMegabytes: smallOplog ? 20 : 512,
    proxied,
    bytesPerSecond: chance(0.5) ? 1_000_000 * (1 + random.integer(4)) : undefined,
    documents: 500 + random.integer(3_500),
    documentBytes: random.pick([200, 1_000, 3_000]),
    // Drawn apart, so that all else stays as the seed has always decided it.
    randomIds: new SeededRandom(seed + RANDOM_IDS).next() < 0.3,
    readsSecondaries: members.source === 3 && new SeededRandom(seed + READS_SECONDARIES).next() < 0.7,
    oddWriters: ODD_WRITERS.filter(() => chance(0.5)),
    writesPerSecond: 50 + random.integer(250),
    catalogEveryMs: random.pick([100, 300, 1_000]),
    // A change of the catalog makes the engine read it, and so see a change that is rolled back. With a small oplog one change is certain:
    // the collection that fills the oplog is dropped.
    catalogStandsStill: !smallOplog && chance(faults.some(({ kind }) => kind === 'rollBack') ? 0.7 : 0.3),
    catalogUntilEnd: chance(0.5),
    followMs: 1_000 + random.integer(4_000),
    trials,
    hooks,
    faults: single,
  };
}
