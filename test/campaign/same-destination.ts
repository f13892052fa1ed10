import { setTimeout as delay } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import type { Progress } from '../../src/contract/index.ts';
import type { MigrationOptions } from '../../src/engine/index.ts';
import { newId } from '../../src/platform/index.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { startPair } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { AcknowledgedWriter } from './acknowledged-writer.ts';
import { drawEnd, drawHolds, driveToEnd, holdCutovers, type PlannedEnd } from './drive.ts';
import { ACTS, type Act, actOnOlder } from './older-migration.ts';
import { refusesWrites } from './probes.ts';
import type { RoundReport } from './round.ts';
import type { RoundLog } from './round-log.ts';
import { changesBetween, snapshotOf } from './snapshot-of.ts';
import { applicationOf, createUsers, uriOf } from './users.ts';

const SHOWN = 5;
const LOOK_EVERY_MS = 20;
/** The moments of an action on the first migration: states of the second one, or after its end. */
const MOMENTS = ['COPYING', 'FOLLOWING', 'COMMITTING', 'COMMITTED'] as const;

/** A stopped or cancelled migration, another one into the same destination, and later actions on the first. */
export interface SameDestinationPlan {
  readonly seed: number;
  readonly first: PlannedEnd;
  /** Whether the first one is only stopped, without an end. */
  readonly stopsFirst: boolean;
  readonly usersAndRoles: boolean;
  readonly acts: readonly { readonly act: Act; readonly at: (typeof MOMENTS)[number]; readonly afterMs: number }[];
  readonly followMs: number;
  readonly holdsMs: readonly number[];
  readonly documents: number;
}

export function drawSameDestination(seed: number): SameDestinationPlan {
  const random = new SeededRandom(seed);
  return {
    seed,
    first: drawEnd(random, random.pick(['cancel', 'cancel in cutover'])),
    stopsFirst: random.next() < 0.5,
    usersAndRoles: random.next() < 0.5,
    acts: Array.from({ length: 1 + random.integer(2) }, () => ({
      act: random.pick(ACTS),
      at: random.weighted({ COPYING: 1, FOLLOWING: 3, COMMITTING: 3, COMMITTED: 4 }),
      afterMs: random.integer(600),
    })),
    followMs: random.integer(2_000),
    holdsMs: drawHolds(random),
    documents: 100 + random.integer(3_000),
  };
}

/**
 * Checks that no action on the first migration does damage. No application can write on the destination before the second has committed. Then the destination
 * is identical to the source, has every acknowledged write, and only its applications change it. The source stays blocked.
 */
export async function runSameDestination(plan: SameDestinationPlan, log: RoundLog): Promise<RoundReport> {
  await using resources = new AsyncDisposableStack();
  const pair = resources.use(await startPair({ source: { auth: true }, destination: { auth: true } }));
  const { source, destination } = pair;
  await createUsers(source, 'source');
  await createUsers(destination, 'destination');
  await fill(source.client, plan.documents);
  const application = resources.use(applicationOf(source));
  const onDestination = resources.use(applicationOf(destination));
  const random = new SeededRandom(plan.seed);
  const writer = new AcknowledgedWriter(application, random, { everyMs: 3, whenBlockedMs: 5 });
  resources.defer(() => writer.stop());
  using _ = holdCutovers(plan.holdsMs, log);
  const destinationUri = uriOf(destination, 'destination');
  const clusters = { source: { uri: uriOf(source, 'source') }, destination: { uri: destinationUri } };
  const start = (options: Partial<MigrationOptions>) =>
    RunningMigration.start(clusters, { usersAndRoles: plan.usersAndRoles, ...options });

  const migrationId = newId();
  const startFirst = () => start({ migrationId });
  if (plan.stopsFirst) await stopWhenReady(startFirst());
  else if ((await driveToEnd('the first', startFirst, plan.first, log)) === 'COMMITTED') {
    // The cancellation was too late. Then no one may drop the destination.
    await start({ dropDestination: true }).outcome.then(
      () => log.find('a migration dropped the primary copy'),
      ({ code }) => code === 'DESTINATION_PRIMARY' || log.find(`a migration into the primary copy ended with ${code}`),
    );
    return { end: 'the first committed', documents: 0 };
  }
  const older = { migrationId, start: startFirst, destination, destinationUri };

  const second = start({ dropDestination: true });
  resources.use(second);
  const after = async (state: (typeof MOMENTS)[number]) => {
    while (MOMENTS.indexOf(second.progress.state as never) < MOMENTS.indexOf(state) && !hasEnded(second.progress))
      await delay(LOOK_EVERY_MS);
  };
  const acts = plan.acts.map(async ({ act, at, afterMs }) => {
    if (at === 'COMMITTED') return;
    await after(at);
    await delay(afterMs);
    await actOnOlder(older, act, log);
  });
  await after('COPYING');
  const trespasser = new AcknowledgedWriter(onDestination, random, { database: 'trespass', everyMs: 20 });
  resources.defer(() => trespasser.stop());
  const end = await driveToEnd(
    'the second',
    () => second,
    { how: 'commit', afterMs: plan.followMs, inCutoverMs: 0 },
    log,
  );
  await trespasser.stop();
  await Promise.all(acts);
  await writer.stop();
  if (end !== 'COMMITTED') return { end: JSON.stringify(end), documents: 0 };

  const openedAtMs = Date.parse(second.progress.cutover?.canWriteAt ?? '1970');
  if ((trespasser.firstAtMs ?? openedAtMs) < openedAtMs)
    log.find(
      `an application wrote on the destination ${openedAtMs - (trespasser.firstAtMs ?? 0)} ms before it was opened`,
    );
  await onDestination.db('trespass').dropDatabase();
  const missing = await writer.missingOn(destination.client);
  if (missing.length > 0)
    log.find(`acknowledged writes are not on the destination: ${missing.slice(0, SHOWN).join('; ')}`);
  const { differences, documents } = await compareClusters(source.client, destination.client);
  if (differences.length > 0) log.find(`the destination differs: ${differences.slice(0, SHOWN).join('; ')}`);

  await changeAsApplications(onDestination);
  const before = await snapshotOf(destination.client);
  for (const { act, at } of plan.acts) if (at === 'COMMITTED') await actOnOlder(older, act, log);
  const changes = changesBetween(before, await snapshotOf(destination.client));
  if (changes.length > 0)
    log.find(`an older migration changed a committed destination: ${changes.slice(0, SHOWN).join('; ')}`);
  if (!(await refusesWrites(application))) log.find('the source is open after the commit');
  if (await refusesWrites(onDestination)) log.find('the destination is blocked after the commit');
  return { end: JSON.stringify(end), documents };
}

async function fill(source: MongoClient, documents: number): Promise<void> {
  const shop = source.db('shop');
  await shop
    .collection('items')
    .insertMany(Array.from({ length: documents }, (_, n) => ({ n, text: 'x'.repeat(200) })));
  await shop.collection('items').createIndex({ n: 1 }, { unique: true });
  await shop.createCollection('view', { viewOn: 'items', pipeline: [{ $match: { n: { $lt: 5 } } }] });
  await shop.command({ createRole: 'clerk', privileges: [], roles: ['readWrite'] });
  await shop.command({ createUser: 'clerk', pwd: 'secret', roles: ['clerk'] });
}

/** Changes definitions and documents of the destination like its applications, since it is the primary copy now. */
async function changeAsApplications(destination: MongoClient): Promise<void> {
  const shop = destination.db('shop');
  await shop.command({ collMod: 'view', viewOn: 'items', pipeline: [{ $match: { n: 3 } }] });
  await shop.collection('items').insertOne({ n: -1 });
  await shop.collection('items').deleteOne({ n: 1 });
  await shop.collection('new').insertOne({});
}

async function stopWhenReady(running: RunningMigration): Promise<void> {
  await using stopped = running;
  await stopped.untilReady();
}

function hasEnded({ state }: Progress): boolean {
  return ['COMMITTED', 'CANCELLED', 'FAILED'].includes(state);
}
