import type { LeaderProgress } from '../../src/sync/index.ts';
import { rollOplog, writeNotes } from '../../test/support/roll-oplog.ts';
import { SeededRandom } from '../../test/support/seeded-random.ts';
import type { SoakEngine } from './engine.ts';
import type { Servers } from './servers.ts';

/** How far a fault may move from its planned place. */
const SHIFT = 0.1;
/** Megabytes written to the oplog between two looks at it. */
const NOTES_AT_A_TIME = 60;

interface World {
  readonly engine: SoakEngine;
  readonly servers: Servers;
}

export interface Fault {
  readonly name: string;
  /** The place in the migration: 0 to 1 in the initial sync, 1 to 2 in the verification. */
  readonly place: number;
  inject(world: World): Promise<void>;
}

const kill: Fault['inject'] = async ({ engine }) => {
  await engine.end('SIGKILL');
  await engine.start();
};
const stepDown =
  (side: 'source' | 'destination'): Fault['inject'] =>
  async ({ servers }) =>
    await servers.pair[side].stepDown();
const loseHistory: Fault['inject'] = async ({ engine, servers: { pair } }) => {
  await engine.end('SIGKILL');
  await rollOplog(pair.source, async () => {
    await writeNotes(pair.source, NOTES_AT_A_TIME);
    // A server discards entries only up to its last checkpoint.
    await pair.source.client.db('admin').command({ fsync: 1 });
  });
  await engine.start();
};

/** Returns the faults of a soak in their order. Their places depend on the seed. */
export function plannedFaults(seed: number): Fault[] {
  const random = new SeededRandom(seed);
  const place = (planned: number) => planned + (random.next() - 0.5) * SHIFT;
  return [
    { name: 'kill while copying', place: place(0.2), inject: kill },
    { name: 'step-down of the source while copying', place: place(0.4), inject: stepDown('source') },
    { name: 'step-down of the destination while copying', place: place(0.55), inject: stepDown('destination') },
    { name: 'lost history while copying', place: place(0.75), inject: loseHistory },
    { name: 'step-down of the source while following', place: place(1.2), inject: stepDown('source') },
    { name: 'step-down of the destination while following', place: place(1.45), inject: stepDown('destination') },
    { name: 'kill while following', place: place(1.7), inject: kill },
  ];
}

/** Returns the place of a migration in terms of {@link Fault.place}; undefined while it is unknown. */
export function placeOf({ linkspan, canCommit }: Pick<LeaderProgress, 'linkspan' | 'canCommit'>): number | undefined {
  if (linkspan === null || linkspan.state === 'CREATED') return undefined;
  if (canCommit) return 2;
  const { copy, verification, state } = linkspan;
  if (state === 'PREPARING') return 0;
  if (state === 'COPYING') return share(copy.bytesCopied, copy.bytesTotal);
  return 1 + share(verification.bytesCompared, verification.bytesTotal);
}

function share(done: number, total: number): number {
  return total === 0 ? 0 : Math.min(1, done / total);
}
