import type { Document, MongoClient } from 'mongodb';
import { dropShells } from '../engine/model/run-schedule.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { eventually } from '../support/eventually.ts';
import type { ReplicaSet } from '../support/replica-set.ts';
import { UNSTOPPED, type World } from './apply-fault.ts';
import { differencesOfOrder } from './capped-order.ts';
import type { Failure } from './engine-lives.ts';
import type { Plan } from './plan.ts';
import { recordOn, refusesWrites } from './probes.ts';
import { dropUnselected } from './selected.ts';
import type { Writers } from './writers.ts';

const SHOWN = 20;
/** Maximum time from the last look at an unblocked source to the commit, which is a majority write. */
const NOT_SEEN_MS = 500;
/** The beginning of the warning about writes after the commit (SOURCE_WRITTEN_AFTER_COMMIT). */
const ALARM = /After the commit, the source received/;

/** The parts of a round that are checked after its cutover. */
export interface EndWorld extends Pick<World, 'log' | 'engine' | 'application' | 'unstopped'> {
  readonly sets: { readonly source: Pick<ReplicaSet, 'client'>; readonly destination: ReplicaSet };
}

/**
 * Checks the state after a cutover: both sides are identical, the destination has all acknowledged writes, the source is blocked and the
 * destination is open. With a selection the source is not blocked, and only selected namespaces are compared. The source's
 * documents must not expire, because the comparison opens it.
 */
export async function checkCommitted(
  world: EndWorld,
  writers: Writers,
  plan: Pick<Plan, 'selection'>,
): Promise<number> {
  const { sets, log, engine } = world;
  const [source, destination] = [sets.source.client, sets.destination.client];
  if ((await refusesWrites(world.application)) === plan.selection)
    log.find(plan.selection ? 'the source of a selection is blocked' : 'the source is not blocked after the cutover');
  const { state, cutover } = await recordOn(destination);
  if (state !== 'COMMITTED' || !cutover?.committed) log.find(`on record the migration is ${state}`);
  if (engine.latest?.canWrite !== true) log.find('it is committed, but progress reports that no one can write');
  const missing = await writers.acknowledged.missingOn(destination);
  if (missing.length > 0)
    log.find(`acknowledged writes are not on the destination: ${missing.slice(0, SHOWN).join('; ')}`);
  await checkUnstopped(world, plan);
  await dropShells(source, destination);
  for (const client of [source, destination]) await client.db(UNSTOPPED).dropDatabase();
  if (plan.selection) await dropUnselected(source);
  const { differences: all, documents } = await compareClusters(source, destination, {
    except: writers.ledger.snapshot().writtenOnDestination,
  });
  const differences = all.filter((text) => !writers.catalog.halfDone.has(text));
  if (differences.length > 0) log.find(`the clusters differ: ${differences.slice(0, SHOWN).join('; ')}`);
  for (const text of await differencesOfOrder(source, destination)) log.find(text);
  for (const text of await differencesOfMembers(sets.destination)) log.find(text);
  return documents;
}

/**
 * Checks the writers that the cutover did not stop: the destination has all writes acknowledged before the commit, or the run raises the alarm.
 * Without a write block, the engine can't see the last moment before the commit.
 */
async function checkUnstopped(
  { unstopped, sets, engine, log }: EndWorld,
  plan: Pick<Plan, 'selection'>,
): Promise<void> {
  const committedAtMs = Date.parse(engine.latest?.cutover?.canWriteAt ?? '9999');
  const untilMs = plan.selection ? committedAtMs - NOT_SEEN_MS : committedAtMs;
  const alarmed = [...(engine.latest?.warnings ?? []), engine.output].some((text) => ALARM.test(text));
  for (const writer of unstopped) {
    const missing = await writer.missingOn(sets.destination.client, untilMs);
    if (missing.length > 0 && !alarmed)
      log.find(`silently lost writes of a writer that the cutover did not stop: ${missing.slice(0, SHOWN).join('; ')}`);
  }
}

/** Compares secondaries with their primary: they apply its oplog, and an entry is not always exactly what the primary did. */
export async function differencesOfMembers(set: ReplicaSet): Promise<string[]> {
  const primary = await set.primary();
  const everyMember = { w: set.members.length, wtimeout: 60_000 };
  await set.client.db('linkspan_internal').collection('every_member').insertOne({}, { writeConcern: everyMember });
  await using first = set.clientOf(primary);
  const found: string[] = [];
  for (const member of set.members) {
    if (member === primary) continue;
    await using other = set.clientOf(member);
    const { differences } = await compareClusters(first, other);
    if (differences.length > 0)
      found.push(
        `a secondary (“destination”) differs from its primary (“source”): ${differences.slice(0, SHOWN).join('; ')}`,
      );
  }
  return found;
}

/** Checks the state after a failed process, before the next one starts: the failure is on record, and the source is open. */
export async function checkFailed(
  { sets, log }: Pick<EndWorld, 'sets' | 'log'>,
  application: MongoClient,
  { code, unrecorded }: Failure,
): Promise<void> {
  const look = async () => {
    const record = await recordOn(sets.destination.client);
    return { ...record, blocked: await refusesWrites(application) } as Document;
  };
  // A fault may start at this moment and remove a primary.
  const { state, error, cutover, blocked } = await eventually(look, {
    deadlineMs: 60_000,
    what: 'servers that answer after a failure',
  });
  if (!unrecorded && (state !== 'FAILED' || error?.code !== code))
    log.find(`it failed with ${code}; on record it is ${state}, ${error?.code}`);
  if (cutover?.committed) log.find('it failed, but it is committed on record');
  if (blocked) log.find('it failed, and the source is blocked');
  log.say(`its failure was checked: on record it is ${state}, ${error?.code}`);
}
