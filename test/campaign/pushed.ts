import { setTimeout as delay } from 'node:timers/promises';
import { type MigrationStatus, PushSetup } from '../end-to-end/push-setup.ts';
import { SideWriter } from '../engine/cutover/side-writer.ts';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { startPair } from '../support/replica-set.ts';
import { ProcessLives } from './process-lives.ts';
import type { ProcessFault, PushedPlan } from './pushed-plan.ts';
import type { RoundReport } from './round.ts';
import type { RoundLog } from './round-log.ts';
import { fillSeats } from './seats.ts';
import { compareAtRest, startUsers, untilUsersOn, WITHIN_MS } from './user-sides.ts';
import type { Pace } from './writers-rest.ts';

const ASK_EVERY_MS = 250;

/**
 * Moves the users of a reversible migration between both sides through the API of a control plane, while it and the agent
 * are killed and started again. The same must hold as without a control plane: the sides take turns, no acknowledged write
 * is lost, and both are identical whenever no one writes. At the end the failback is closed.
 */
export async function runPushed(plan: PushedPlan, log: RoundLog): Promise<RoundReport> {
  await using resources = new AsyncDisposableStack();
  const pair = resources.use(await startPair({ source: { auth: true }, destination: { auth: true } }));
  await fillSeats(pair.source.client);
  const { source } = await reversibleUsers(pair);
  const setup = resources.use(await PushSetup.create(pair, source.uri));
  const server = resources.use(new ProcessLives('server', (hook) => setup.serve(hook), plan.hooks.server, log));
  await server.begin();
  if (plan.standby) setup.addHost('spare', source.uri);
  await setup.register(pair, plan.standby ? 2 : 1);
  const agent = resources.use(new ProcessLives('agent', async (hook) => setup.agent(hook), plan.hooks.agent, log));
  const startSpare = async (hook?: string) => setup.agent(hook, 'spare');
  const spare = resources.use(new ProcessLives('spare', startSpare, plan.hooks.spare, log));
  await agent.begin();
  if (plan.standby) await spare.begin();
  if (plan.digests) {
    const helper = await setup.addDigestHelper('helper', pair.destination.uri);
    await helper.waitForLine(/linked to organization/);
  }
  await setup.start({ linkspan: { reversible: true, ...(plan.digests && { digestsBy: 'helper' }) } });
  const migration = new AskedMigration(setup);
  await migration.until('ready for cutover', ({ readyForCutover }) => readyForCutover);

  const users = { seed: plan.seed, log, latest: () => migration.pace };
  const first = await startUsers('first', pair.source, users, resources);
  const second = await startUsers('second', pair.destination, users, resources);
  let documents = 0;
  for (const [n, turn] of plan.turns.entries()) {
    const sides = n % 2 === 0 ? { from: first, to: second } : { from: second, to: first };
    log.say(`turn ${n + 1}, to the ${sides.to.name} side`);
    const faults: Promise<void>[] = [];
    const begin = (moment: ProcessFault['moment']) => {
      const ending = turn.faults.filter((fault) => fault.moment === moment);
      faults.push(...ending.map((fault) => endLater({ agent, spare, server }[fault.process], fault)));
      const moves = turn.moves.filter((move) => move.moment === moment);
      faults.push(...moves.map(({ afterMs }) => delay(afterMs).then(() => moveAway(setup, log))));
    };
    const isInTurn = ({ linkspan }: MigrationStatus) => (linkspan.reversals ?? 0) === n;
    await migration.ask('reverse', 'in its direction', isInTurn);
    begin('in sync');
    await delay(turn.followMs);
    await migration.until('ready for cutover', (now) => isInTurn(now) && now.readyForCutover);
    begin('commit');
    await migration.ask('cutover', 'complete', (now) => isInTurn(now) && now.status === 'COMPLETE');
    log.say('it has cut over');
    begin('failback');
    await Promise.all(faults);
    await untilUsersOn(sides, log);
    await migration.until('followed back', ({ linkspan: { failback } }) => failback?.ready === true);
    documents = await compareAtRest(sides, log, async () => (await setup.show()).linkspan.failback);
    await SideWriter.assertTurns([first.writer, second.writer], n + 1).catch((error: Error) => log.find(error.message));
  }
  await migration.ask('finish', 'finished', ({ linkspan: { failback } }) => failback?.state === 'CLOSED');
  return { end: `${plan.turns.length} cutovers by the API`, documents };
}

async function endLater(process: ProcessLives, { signal, afterMs, downMs }: ProcessFault): Promise<void> {
  await delay(afterMs);
  process.end(signal, downMs);
}

/** Moves the migration to the host that stands by, if it may be moved now. */
async function moveAway(setup: PushSetup, log: RoundLog): Promise<void> {
  const [standby] = (await setup.show().catch(() => undefined))?.linkspan.standbyHosts ?? [];
  const moved = await setup.ask('PUT', 'move', { migrationHost: standby?.host ?? 'mover' }).then(
    () => 'accepted',
    (error: Error) => error.message,
  );
  log.say(`a move to ${standby?.host}: ${moved}`);
}

type Condition = (status: MigrationStatus) => boolean;

/** A migration whose control plane may not answer for a while. */
class AskedMigration {
  readonly #setup: PushSetup;
  #latest: MigrationStatus | undefined;

  constructor(setup: PushSetup) {
    this.#setup = setup;
  }

  /** How far it was when it was last asked for. */
  get pace(): Pace | undefined {
    const { readyForCutover, linkspan } = this.#latest ?? {};
    const { failback, progress } = linkspan ?? {};
    if (failback?.state === 'FOLLOWING') return { ...failback, state: 'FOLLOWING', readyForCutover: failback.ready };
    return progress ? { ...progress, readyForCutover: readyForCutover ?? false } : undefined;
  }

  /** Waits until it meets a condition. @throws Error when it has failed, or after the deadline */
  async until(what: string, condition: Condition): Promise<void> {
    await this.#repeat(what, condition, async () => undefined);
  }

  /** Repeats a request until the migration meets a condition: an answer may be lost, and a cutover be postponed. */
  async ask(request: 'reverse' | 'cutover' | 'finish', what: string, condition: Condition): Promise<void> {
    await this.#repeat(what, condition, () => this.#setup.ask('PUT', request));
  }

  async #repeat(what: string, condition: Condition, act: () => Promise<unknown>): Promise<void> {
    const endMs = performance.now() + WITHIN_MS;
    while (performance.now() < endMs) {
      this.#latest = (await this.#setup.show().catch(() => undefined)) ?? this.#latest;
      const status = this.#latest;
      if (status?.status === 'FAILED') throw new Error(`the migration has failed: ${status.errorMessage}`);
      if (status !== undefined && condition(status)) return;
      await act().catch(() => undefined);
      await delay(ASK_EVERY_MS);
    }
    throw new Error(`the migration is not ${what}: ${JSON.stringify(this.#latest)}`);
  }
}
