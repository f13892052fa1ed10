import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { createUserInPause, hasUser } from './accounts.ts';
import { applyFault } from './apply-fault.ts';
import type { EngineLives } from './engine-lives.ts';
import type { Moment } from './fault.ts';
import { recordOn } from './probes.ts';
import type { RoundLog } from './round-log.ts';
import type { Turn } from './there-and-back-plan.ts';
import { runTrials } from './trial-cutovers.ts';
import type { UserChange, UserChanges } from './user-changes.ts';
import { compareAtRest, expectOneSide, type UserSide, type UserSides, untilUsersOn } from './user-sides.ts';

const ASK_EVERY_MS = 250;
/** Longer than a turn under any faults. */
const LONGEST_CUTOVER_MS = 900_000;
/** A side of the migration, and the proxy between it and the engine. */
export interface TurnSide extends UserSide {
  readonly proxy: FaultProxy | undefined;
}

export interface TurnWorld extends UserSides {
  readonly engine: EngineLives;
  readonly userChanges: UserChanges;
  /**
   * Users of all turns that were created after the last look. They stay on the old side. An engine says so of those that
   * were there before the new side was open.
   */
  readonly lateUsers: Set<string>;
  /** From 0. */
  readonly number: number;
  readonly log: RoundLog;
  readonly from: TurnSide;
  readonly to: TurnSide;
  /** Whether the latest progress of the current process is of the turn's direction. */
  isCurrent(): boolean;
}

/**
 * Moves the users to the other side, with the trials and faults of the turn. Afterwards exactly that side must accept
 * writes, and both must be identical while no one writes.
 * @returns the number of compared documents
 */
export async function runTurn(world: TurnWorld, turn: Turn, ended: AbortSignal): Promise<number> {
  const { engine, log, from, to } = world;
  const timesTold = () => engine.output.split('admin.system.users').length;
  const toldBefore = timesTold();
  const faults: Promise<void>[] = [];
  const begin = (moment: Moment, inTurn: TurnWorld) => faults.push(...startFaults(inTurn, turn, moment));
  await untilShown(world, ended);
  begin('in sync', world);
  if (turn.misuse && world.number === 0 && (await engine.call('finish')).success)
    log.find('finish was accepted before the first cutover');
  const trying = { engine, log, application: from.writer.application, source: from.set.client };
  const tried = runTrials({ ...trying, isCurrent: () => world.isCurrent() }, turn.trials, ended);
  const changed = delay(turn.followMs).then(() => changeIndexes(world, turn, 'following'));
  await Promise.all([tried, changed]);
  const { acknowledged } = to.writer;
  const opened = new AbortController();
  const untilOpen = eventually(() => ended.aborted || to.writer.acknowledged > acknowledged, {
    what: 'an open new side',
    deadlineMs: LONGEST_CUTOVER_MS,
  }).finally(() => opened.abort());
  const [userInPause] = await Promise.all([
    turn.userInPause ? createUserInPause(from.set, world.number, opened.signal) : undefined,
    untilOpen.then(() => changeIndexes(world, turn, 'opened')),
    cutOver(world, () => begin('commit', world), ended),
  ]);
  if (ended.aborted) return 0;
  await expectOneSide(world, log);
  if (turn.misuse) await refuseCleanup(world);
  begin('failback', { ...world, from: to, to: from });
  await Promise.all(faults);
  await untilUsersOn(world, log);
  const documents = await compareAtRest(world, log, async () => {
    return (await engine.call('progress', { method: 'GET' })).progress?.linkspan?.failback;
  });
  if (userInPause !== undefined && !(await hasUser(to.set, userInPause.name))) {
    world.lateUsers.add(userInPause.name);
    const { canWriteAt } = engine.latest?.cutover ?? {};
    // Where the cutover was finished without the old side, the failback tells of what changed there.
    if (canWriteAt === undefined || userInPause.atMs < Date.parse(canWriteAt))
      await eventually(() => timesTold() > toldBefore, { what: 'a word about the user' }).catch(() =>
        log.find(`the user ${userInPause.name}, created in the write pause, is missing, and no engine says so`),
      );
  }
  await world.userChanges.check(to.set.client);
  return documents;
}

/** Makes the turn's changes of that moment on the side that has the users then. */
async function changeIndexes({ userChanges, from, to }: TurnWorld, turn: Turn, moment: UserChange['moment']) {
  const side = moment === 'opened' ? to : from;
  for (const change of turn.changes.filter((one) => one.moment === moment))
    await userChanges.make(side.writer.application, change);
}

/** Calls `linkspan cleanup` while the failback is open, which it must refuse. */
async function refuseCleanup({ to, log }: TurnWorld): Promise<void> {
  const { _id } = await recordOn(to.set.client);
  const destination = to.set.uriFor('mover', 'secret');
  await using cleanup = runLinkspan(['cleanup', '--migration', String(_id), '--destination', destination]);
  const { code } = await cleanup.exit;
  if (code === 0) log.find('cleanup removed the records of an open failback');
}

function startFaults({ engine, log, from, to }: TurnWorld, { faults }: Turn, moment: Moment): Promise<void>[] {
  const faulty = {
    sets: { source: from.set, destination: to.set },
    proxies: { ...(from.proxy && { source: from.proxy }), ...(to.proxy && { destination: to.proxy }) },
    usual: {},
    engine,
    log,
    application: from.writer.application,
    unstopped: [],
  };
  return faults
    .filter((fault) => fault.moment === moment)
    .map((fault) => delay(fault.afterMs).then(() => applyFault(faulty, fault)));
}

/** Asks for the direction of the turn until the engine shows it. */
async function untilShown({ engine, log, isCurrent }: TurnWorld, ended: AbortSignal): Promise<void> {
  while (!ended.aborted && !isCurrent()) {
    await refuseLostFailback(engine, log);
    await engine.call('reverse');
    await delay(ASK_EVERY_MS);
  }
}

/** Asks for the cutover until it is done, also of an engine that was started again and shows the direction before. */
async function cutOver(world: TurnWorld, onAccepted: () => void, ended: AbortSignal): Promise<void> {
  const { engine, log, isCurrent } = world;
  let wasAccepted = false;
  const accepted = () => {
    if (!wasAccepted) onAccepted();
    wasAccepted = true;
  };
  while (!ended.aborted) {
    // Once accepted, the direction is on record. Another request would reverse an engine that has just cut over.
    if (!isCurrent() && !wasAccepted) await untilShown(world, ended);
    else if (!isCurrent()) log.say('the engine is yet to show its direction');
    else if (engine.latestInThisLife?.state === 'COMMITTED') break;
    else if ((await engine.call('commit')).success) accepted();
    await delay(ASK_EVERY_MS);
  }
  accepted();
  log.say('it has cut over');
}

/**
 * An engine that was stopped before it took the failback takes it from its successor when it resumes. Then the successor
 * is started again.
 * @throws Error when the failback has failed for another reason
 */
async function refuseLostFailback(engine: EngineLives, log: RoundLog): Promise<void> {
  const { progress } = await engine.call('progress', { method: 'GET' });
  const failback = progress?.linkspan?.failback;
  if (failback?.state !== 'FAILED') return;
  if (failback.error?.code === 'TAKEN_OVER' && log.met.has('zombie')) engine.end('terminated');
  else throw new Error(`the failback has failed: ${JSON.stringify(failback)}`);
}
