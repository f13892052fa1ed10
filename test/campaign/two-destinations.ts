import { setTimeout as delay } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { newId } from '../../src/platform/index.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { rolesOnSharded } from '../support/least-privilege.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { AcknowledgedWriter } from './acknowledged-writer.ts';
import { drawEnd, drawHolds, driveToEnd, type Ended, holdCutovers, type PlannedEnd } from './drive.ts';
import { refusesWrites } from './probes.ts';
import type { RoundReport } from './round.ts';
import type { RoundLog } from './round-log.ts';
import { applicationOf, createUsers, uriOf } from './users.ts';

const SHOWN = 5;
/** Long enough for the application to write on the side that accepts writes. */
const AFTERMATH_MS = 300;

/** Two migrations from one source, each to its own destination. */
export interface TwoDestinationsPlan {
  readonly seed: number;
  /** Whether the second one starts after the end of the first. */
  readonly oneAfterTheOther: boolean;
  /** Whether the source is a sharded cluster. */
  readonly sharded: boolean;
  readonly first: PlannedEnd;
  readonly second: PlannedEnd;
  readonly holdsMs: readonly number[];
  readonly documents: number;
}

export function drawTwoDestinations(seed: number): TwoDestinationsPlan {
  const random = new SeededRandom(seed);
  const oneAfterTheOther = random.next() < 0.4;
  return {
    seed,
    oneAfterTheOther,
    first: drawEnd(random, oneAfterTheOther ? 'commit' : undefined),
    second: drawEnd(random),
    holdsMs: drawHolds(random),
    documents: 50 + random.integer(500),
    sharded: random.next() < 0.4,
  };
}

/**
 * Runs both while an application writes on the source. Afterwards the source must be blocked if one of them has committed, and open otherwise.
 * Each committed destination must be identical to the source, and have every acknowledged write.
 */
export async function runTwoDestinations(plan: TwoDestinationsPlan, log: RoundLog): Promise<RoundReport> {
  await using resources = new AsyncDisposableStack();
  const start = async () => resources.use(await startReplicaSet({ auth: true }));
  const source = plan.sharded ? resources.use(await startShardedCluster({ auth: true, routers: 2 })) : await start();
  const destinations = [await start(), await start()] as const;
  await createUsers(source, 'source', 'shards' in source ? { roles: await rolesOnSharded(source) } : {});
  for (const set of destinations) await createUsers(set, 'destination');
  const items = Array.from({ length: plan.documents }, (_, n) => ({ n }));
  await source.client.db('shop').collection('items').insertMany(items);
  const application = resources.use(applicationOf(source));
  const writer = new AcknowledgedWriter(application, new SeededRandom(plan.seed), { everyMs: 2, whenBlockedMs: 5 });
  resources.defer(() => writer.stop());
  using _ = holdCutovers(plan.holdsMs, log);

  const run = (place: 0 | 1) => {
    const migrationId = newId();
    const clusters = {
      source: { uri: uriOf(source, 'source') },
      destination: { uri: uriOf(destinations[place], 'destination') },
    };
    const begin = () => RunningMigration.start(clusters, { migrationId });
    return driveToEnd(place === 0 ? 'the first' : 'the second', begin, place === 0 ? plan.first : plan.second, log);
  };
  const first = run(0);
  if (plan.oneAfterTheOther) await first;
  const ends = await Promise.all([first, run(1)]);
  await delay(AFTERMATH_MS);
  await writer.stop();

  const committed = destinations.filter((_, place) => ends[place] === 'COMMITTED');
  if ((await refusesWrites(application)) !== committed.length > 0)
    log.find(
      `${committed.length} migrations committed, and the source is ${committed.length > 0 ? 'open' : 'blocked'}`,
    );
  let documents = 0;
  for (const { client } of committed) documents += await checkDestination(source.client, client, writer, log);
  log.say(`${writer.acknowledged} writes acknowledged`);
  return { end: ends.map(textOf).join(' and '), documents };
}

async function checkDestination(
  source: MongoClient,
  destination: MongoClient,
  writer: AcknowledgedWriter,
  log: RoundLog,
): Promise<number> {
  const missing = await writer.missingOn(destination);
  if (missing.length > 0)
    log.find(`${missing.length} acknowledged writes are not on a destination: ${missing.slice(0, SHOWN).join('; ')}`);
  const { differences, documents } = await compareClusters(source, destination);
  if (differences.length > 0) log.find(`a destination differs: ${differences.slice(0, SHOWN).join('; ')}`);
  return documents;
}

function textOf(end: Ended): string {
  return typeof end === 'string' ? end : end.failed;
}
