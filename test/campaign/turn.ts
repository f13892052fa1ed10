import { setTimeout as delay } from 'node:timers/promises';
import type { SideWriter } from '../engine/cutover/side-writer.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { eventually } from '../support/eventually.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import type { ReplicaSet } from '../support/replica-set.ts';
import { applyFault } from './apply-fault.ts';
import type { EngineLives } from './engine-lives.ts';
import type { Moment } from './fault.ts';
import { refusesWrites } from './probes.ts';
import type { RoundLog } from './round-log.ts';
import type { Turn } from './there-and-back-plan.ts';
import { runTrials } from './trial-cutovers.ts';
import type { WriterLoop } from './writer-loop.ts';

const ASK_EVERY_MS = 250;
const SHOWN = 5;
/** Longer than any fault, on a busy machine. */
const WITHIN_MS = 180_000;

/** One of the two clusters, and the applications that write to it whenever it accepts that. */
export interface TurnSide {
  readonly name: 'first' | 'second';
  readonly set: ReplicaSet;
  readonly proxy: FaultProxy | undefined;
  readonly writer: SideWriter;
  readonly seats: WriterLoop;
}

export interface TurnWorld {
  readonly engine: EngineLives;
  readonly log: RoundLog;
  /** The side that has the users before the turn, and the one that has them afterwards. */
  readonly from: TurnSide;
  readonly to: TurnSide;
  /** Whether the latest progress of the current process is of the turn's direction. */
  isCurrent(): boolean;
}

/**
 * Moves the users to the other side, with the trials and faults of the turn. Afterwards exactly that side must accept
 * writes, and both must be identical while nobody writes.
 * @returns the number of compared documents
 */
export async function runTurn(world: TurnWorld, turn: Turn, ended: AbortSignal): Promise<number> {
  const { engine, log, from, to } = world;
  const faults: Promise<void>[] = [];
  const begin = (moment: Moment, inTurn: TurnWorld) => faults.push(...startFaults(inTurn, turn, moment));
  await untilShown(world, ended);
  begin('in sync', world);
  const trying = { engine, log, application: from.writer.application, source: from.set.client };
  const tried = runTrials({ ...trying, isCurrent: () => world.isCurrent() }, turn.trials, ended);
  await Promise.all([tried, delay(turn.followMs)]);
  await cutOver(world, () => begin('commit', world), ended);
  if (ended.aborted) return 0;
  await expectOneSide(world);
  begin('way back', { ...world, from: to, to: from });
  await Promise.all(faults);
  const { acknowledged } = to.writer;
  await eventually(() => to.writer.acknowledged > acknowledged, {
    what: 'users on the new side',
    deadlineMs: WITHIN_MS,
  });
  await expectOneSide(world);
  return await compareAtRest(world);
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
    await refuseLostWayBack(engine, log);
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
    if (!isCurrent()) await untilShown(world, ended);
    else if (engine.latestInThisLife?.state === 'committed') break;
    else if ((await engine.call('commit')).success) accepted();
    await delay(ASK_EVERY_MS);
  }
  accepted();
  log.say('it has cut over');
}

/**
 * An engine that was stopped before it took the way back takes it from its successor when it resumes. Then the successor
 * is started again.
 * @throws Error when the way back has failed for another reason
 */
async function refuseLostWayBack(engine: EngineLives, log: RoundLog): Promise<void> {
  const { progress } = await engine.call('progress', { method: 'GET' });
  const wayBack = progress?.linkspan?.wayBack;
  if (wayBack?.phase !== 'failed') return;
  if (wayBack.error?.code === 'TAKEN_OVER' && log.met.has('zombie')) engine.end('terminated');
  else throw new Error(`the way back has failed: ${JSON.stringify(wayBack)}`);
}

/** Checks that the new side accepts writes, and the old one does not. A fault may have removed a primary. */
async function expectOneSide({ from, to, log }: TurnWorld): Promise<void> {
  const refuses = async ({ writer, name }: TurnSide) => {
    const look = async () => ({ refuses: await refusesWrites(writer.application) });
    return (await eventually(look, { what: `the ${name} side to answer`, deadlineMs: WITHIN_MS })).refuses;
  };
  if (!(await refuses(from))) log.find(`the ${from.name} side accepts writes after the cutover to the ${to.name}`);
  if (await refuses(to)) log.find(`the ${to.name} side refuses writes after the cutover to it`);
}

/** Compares both sides while no application writes. @returns the number of compared documents */
async function compareAtRest({ engine, from, to, log }: TurnWorld): Promise<number> {
  using held = new DisposableStack();
  for (const one of [from.writer, to.writer, from.seats, to.seats]) held.use(await one.hold());
  let compared = await compareClusters(from.set.client, to.set.client);
  const isIdentical = async () => {
    compared = await compareClusters(from.set.client, to.set.client);
    return compared.differences.length === 0;
  };
  await eventually(isIdentical, { what: 'both sides to be identical', deadlineMs: WITHIN_MS }).catch(() =>
    log.find(`the sides differ: ${compared.differences.slice(0, SHOWN).join('; ')}`),
  );
  if (compared.differences.length > 0) {
    const { progress } = await engine.call('progress', { method: 'GET' });
    log.say(`the way back: ${JSON.stringify(progress?.linkspan?.wayBack)}`);
  }
  log.say(`${compared.documents} documents were compared`);
  return compared.documents;
}
