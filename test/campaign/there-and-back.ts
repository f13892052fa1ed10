import { setTimeout as delay } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { newId } from '../../src/platform/index.ts';
import { SideWriter } from '../engine/cutover/side-writer.ts';
import { RunningReversible, reversibleUsers } from '../engine/running-reversible.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { eventually } from '../support/eventually.ts';
import { startPair } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { changeAccounts, createAccounts, haveSameAccounts } from './accounts.ts';
import { drawHolds, holdCutovers } from './drive.ts';
import type { RoundReport } from './round.ts';
import type { RoundLog } from './round-log.ts';
import { passSeats, SEATS } from './seats.ts';

const SHOWN = 5;
const IDENTICAL_WITHIN_MS = 120_000;

/** The events between two cutovers. */
interface Turn {
  readonly followMs: number;
  readonly fault: 'none' | 'step-down of the source' | 'step-down of the destination' | 'restart of the engine';
  /** Whether the fault happens while the cutover runs, and not before. */
  readonly inCutover: boolean;
}

/** A reversible migration whose users move from one side to the other several times. */
export interface ThereAndBackPlan {
  readonly seed: number;
  readonly members: { readonly source: 1 | 3; readonly destination: 1 | 3 };
  readonly turns: readonly Turn[];
  readonly holdsMs: readonly number[];
}

export function drawThereAndBack(seed: number): ThereAndBackPlan {
  const random = new SeededRandom(seed);
  const turns = Array.from({ length: 1 + random.integer(4) }, () => ({
    followMs: random.integer(2_000),
    fault: random.pick([
      'none',
      'step-down of the source',
      'step-down of the destination',
      'restart of the engine',
    ] as const),
    inCutover: random.next() < 0.5,
  }));
  const members = { source: random.pick([1, 3] as const), destination: random.pick([1, 3] as const) };
  return { seed, members, turns, holdsMs: drawHolds(random) };
}

/**
 * Moves the users between both sides while applications write on whichever accepts it. The sides have to take turns, each
 * acknowledged write must be on the last one, and both must be identical once nobody writes. Users and roles change before
 * each cutover.
 */
export async function runThereAndBack(plan: ThereAndBackPlan, log: RoundLog): Promise<RoundReport> {
  await using resources = new AsyncDisposableStack();
  const set = (members: 1 | 3) => ({ auth: true, members });
  const pair = resources.use(
    await startPair({ source: set(plan.members.source), destination: set(plan.members.destination) }),
  );
  const seats = pair.source.client.db('shop').collection<{ _id: number; seat: number }>('seats');
  await seats.createIndex({ seat: 1 }, { unique: true });
  await seats.insertMany(Array.from({ length: SEATS }, (_, n) => ({ _id: n, seat: n })));
  const addresses = await reversibleUsers(pair);
  await createAccounts(pair.source);
  const id = newId();
  const start = () => new RunningReversible(addresses, id, { usersAndRoles: true });
  let running = start();
  resources.defer(() => running[Symbol.asyncDispose]());
  const restart = async () => {
    await running[Symbol.asyncDispose]();
    running = start();
  };
  await running.until('the first direction to be ready', () => running.progress.readyForCutover);
  const writers = [
    resources.use(await SideWriter.start(pair.source, 'source')),
    resources.use(await SideWriter.start(pair.destination, 'destination')),
  ];
  const stop = new AbortController();
  const passing = Promise.all(
    writers.map((writer, side) => passSeats(writer.application, new SeededRandom(plan.seed + side), stop.signal)),
  );
  resources.defer(async () => {
    stop.abort();
    await passing;
  });
  using _ = holdCutovers(plan.holdsMs, log);

  for (const [n, { followMs, fault, inCutover }] of plan.turns.entries()) {
    await delay(followMs);
    const [from, to] = n % 2 === 0 ? [pair.source, pair.destination] : [pair.destination, pair.source];
    await changeAccounts(from, n);
    const disturb = async () => {
      log.say(fault);
      if (fault === 'step-down of the source') await from.stepDown();
      if (fault === 'step-down of the destination') await to.stepDown();
      if (fault === 'restart of the engine') await restart();
    };
    if (!inCutover) await disturb();
    log.say(`cutover ${n + 1}`);
    const disturbed = inCutover ? delay(plan.holdsMs[n] ?? 0).then(disturb) : Promise.resolve();
    await Promise.all([disturbed, untilTurned(() => running, n + 1)]);
  }
  await untilFollowing(() => running);
  if (!(await haveSameAccounts(pair.source, pair.destination))) log.find('users and roles differ');
  stop.abort();
  await passing;
  for (const writer of writers) await writer.stop();
  await SideWriter.assertTurns(writers, plan.turns.length).catch((error: Error) => log.find(error.message));
  return { end: `${plan.turns.length} cutovers`, documents: await checkIdentical(pair, running, log) };
}

/** Asks for the next cutover until it is done, also of an engine that was started again. */
async function untilTurned(current: () => RunningReversible, turns: number): Promise<void> {
  const isDone = async () => {
    const { migration } = current();
    const { state, readyForCutover } = migration.current.progress();
    const { reversals = 0 } = migration.current.options;
    if (state === 'committed' && reversals === turns - 1) return true;
    if (state === 'committed' && migration.wayBack?.progress().readyForCutover) await migration.reverse();
    else if (readyForCutover && reversals === turns - 1) migration.current.want('cutover');
    return false;
  };
  await eventually(() => isDone().catch(() => false), { what: `cutover ${turns}`, deadlineMs: IDENTICAL_WITHIN_MS });
}

async function untilFollowing(current: () => RunningReversible): Promise<void> {
  const isReady = () => current().migration.wayBack?.progress().readyForCutover ?? false;
  await eventually(isReady, { what: 'the way back to be ready', deadlineMs: IDENTICAL_WITHIN_MS });
}

async function checkIdentical(
  pair: { readonly source: { readonly client: MongoClient }; readonly destination: { readonly client: MongoClient } },
  { migration }: RunningReversible,
  log: RoundLog,
): Promise<number> {
  let compared = await compareClusters(pair.source.client, pair.destination.client);
  const isIdentical = async () => {
    compared = await compareClusters(pair.source.client, pair.destination.client);
    return compared.differences.length === 0;
  };
  await eventually(isIdentical, { what: 'both sides to be identical', deadlineMs: IDENTICAL_WITHIN_MS }).catch(() =>
    log.find(`the sides differ: ${compared.differences.slice(0, SHOWN).join('; ')}`),
  );
  const mismatches = migration.wayBack?.progress().verification.mismatches;
  if (mismatches && mismatches.found > 0)
    log.find(`the verification had to repair: ${JSON.stringify(mismatches.latest)}`);
  return compared.documents;
}
