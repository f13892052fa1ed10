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
/** Between the last look at a source that is not blocked and the commit, which takes a write with majority. */
const NOT_SEEN_MS = 500;
/** The text of the warning about such writes (SOURCE_WRITTEN_AFTER_COMMIT). */
const ALARM = /After the commit, the source received/;

/**
 * After a cutover both sides are identical, what was acknowledged is on the destination, the source is blocked and the destination
 * open. With a selection the source is not blocked, and what was not selected is left out.
 */
export async function checkCommitted(world: World, writers: Writers, plan: Plan): Promise<number> {
  const { sets, log, engine } = world;
  const [source, destination] = [sets.source.client, sets.destination.client];
  if ((await refusesWrites(world.application)) === plan.selection)
    log.find(plan.selection ? 'the source of a selection is blocked' : 'the source is not blocked after the cutover');
  const { state, cutover } = await recordOn(destination);
  if (state !== 'committed' || !cutover?.committed) log.find(`on record the migration is ${state}`);
  if (engine.latest?.canWrite !== true) log.find('it is committed, and progress says that nobody can write');
  const missing = await writers.acknowledged.missingOn(destination);
  if (missing.length > 0)
    log.find(`acknowledged writes are not on the destination: ${missing.slice(0, SHOWN).join('; ')}`);
  await checkUnstopped(world, plan);
  // That opens the source again, where documents would then expire in the middle of the comparison.
  await source.db('admin').command({ setParameter: 1, ttlMonitorEnabled: false });
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
 * Writers whom the cutover did not stop: what the source acknowledged before the commit is on the destination, or the run alarms. Where
 * nothing is blocked, the last moment before the commit is not seen.
 */
async function checkUnstopped({ unstopped, sets, engine, log }: World, plan: Plan): Promise<void> {
  const committedAtMs = engine.latest?.cutover?.canWriteAtMs ?? Number.POSITIVE_INFINITY;
  const untilMs = plan.selection ? committedAtMs - NOT_SEEN_MS : committedAtMs;
  const alarmed = [...(engine.latest?.warnings ?? []), engine.output].some((text) => ALARM.test(text));
  for (const writer of unstopped) {
    const missing = await writer.missingOn(sets.destination.client, untilMs);
    if (missing.length > 0 && !alarmed)
      log.find(`lost without a word of a writer whom the cutover did not stop: ${missing.slice(0, SHOWN).join('; ')}`);
  }
}

/** What secondaries have otherwise than their primary: they apply its oplog, and what an entry says is not always what the primary did. */
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

/** After a process that failed, and before the next one: the failure is on record, and the source is open. */
export async function checkFailed(
  { sets, log }: Pick<World, 'sets' | 'log'>,
  application: MongoClient,
  { code, unrecorded }: Failure,
): Promise<void> {
  const look = async () => {
    const record = await recordOn(sets.destination.client);
    return { ...record, blocked: await refusesWrites(application) } as Document;
  };
  // A fault that begins in this moment may have taken a primary away.
  const { state, error, cutover, blocked } = await eventually(look, {
    deadlineMs: 60_000,
    what: 'servers that answer after a failure',
  });
  if (!unrecorded && (state !== 'failed' || error?.code !== code))
    log.find(`it failed of ${code}; on record it is ${state}, ${error?.code}`);
  if (cutover?.committed) log.find('it failed, and is committed on record');
  if (blocked) log.find('it failed, and the source is blocked');
  log.say(`its failure was checked: on record it is ${state}, ${error?.code}`);
}
