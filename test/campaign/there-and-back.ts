import type { Progress } from '../../src/contract/index.ts';
import { SideWriter } from '../engine/cutover/side-writer.ts';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { startPair } from '../support/replica-set.ts';
import { changeAccounts, createAccounts, haveSameAccounts } from './accounts.ts';
import { EngineLives } from './engine-lives.ts';
import { copyFiles, restoreOldSource } from './restored-side.ts';
import type { RoundReport } from './round.ts';
import type { RoundLog } from './round-log.ts';
import { fillSeats } from './seats.ts';
import type { ThereAndBackPlan } from './there-and-back-plan.ts';
import { runTurn, type TurnSide } from './turn.ts';
import { fillSessions, UserChanges } from './user-changes.ts';
import { startUsers } from './user-sides.ts';
import { portOf } from './users.ts';

/**
 * Moves the users between both sides under faults, while applications write on whichever accepts it. The sides have to
 * take turns, each acknowledged write must be on the last one, and both must be identical whenever no one writes. Users
 * and roles change before each turn.
 */
export async function runThereAndBack(plan: ThereAndBackPlan, log: RoundLog): Promise<RoundReport> {
  await using resources = new AsyncDisposableStack();
  const set = (members: 1 | 3) => ({ auth: true, members });
  const pair = resources.use(
    await startPair({ source: set(plan.members.source), destination: set(plan.members.destination) }),
  );
  await fillSeats(pair.source.client);
  await fillSessions(pair.source.client);
  await createAccounts(pair.source);
  const users = await reversibleUsers(pair);
  const proxies = {
    source: plan.proxied.source
      ? resources.use(await startFaultProxy(portOf(pair.source, await pair.source.primary())))
      : undefined,
    destination: plan.proxied.destination
      ? resources.use(await startFaultProxy(portOf(pair.destination, await pair.destination.primary())))
      : undefined,
  };
  const addresses = {
    source: proxies.source ? through(users.source.uri, proxies.source.port) : users.source.uri,
    destination: proxies.destination ? through(users.destination.uri, proxies.destination.port) : users.destination.uri,
  };
  // An engine that starts while there is no primary shows the proxy's address.
  const ports = [
    ...pair.source.members.map((member) => portOf(pair.source, member)),
    ...(proxies.source ? [proxies.source.port] : []),
  ];
  const directionOf = ({ addresses: { source } }: Progress) => {
    if (source === '') return undefined;
    return ports.some((port) => source.endsWith(`:${port}`)) ? 'to the second' : 'to the first';
  };
  const { hooks } = plan;
  // The probes create and drop a collection.
  const engine = resources.use(new EngineLives(addresses, { hooks, catalogStandsStill: false, directionOf }, log));
  log.outputOfEngines = () => engine.output;
  const ended = new AbortController();
  const end = engine.run().finally(() => ended.abort());
  end.catch(() => undefined); // Awaited below.

  const turning = async () => {
    await Promise.race([engine.untilReached('in sync'), end]);
    const side = async (name: 'first' | 'second', of: 'source' | 'destination'): Promise<TurnSide> => {
      return {
        ...(await startUsers(
          name,
          pair[of],
          { seed: plan.seed, log, latest: () => engine.latestInThisLife },
          resources,
        )),
        proxy: proxies[of],
      };
    };
    const sides = [await side('first', 'source'), await side('second', 'destination')] as const;
    const userChanges = new UserChanges(log);
    const lateUsers = new Set<string>();
    let documents = 0;
    for (const [n, turn] of plan.turns.entries()) {
      if (ended.signal.aborted) break;
      const [from, to] = n % 2 === 0 ? sides : [sides[1], sides[0]];
      const isCurrent = () => {
        const { latestInThisLife } = engine;
        return latestInThisLife !== undefined && directionOf(latestInThisLife) === `to the ${to.name}`;
      };
      const isLast = n === plan.turns.length - 1;
      const copy = plan.restoresOldSource && isLast ? resources.use(await copyFiles(from, log)) : undefined;
      await changeAccounts(from.set, n);
      log.say(`turn ${n + 1}, to the ${to.name} side`);
      const world = { engine, log, from, to, isCurrent, userChanges, lateUsers, number: n };
      documents = await runTurn(world, turn, ended.signal);
      if (!ended.signal.aborted && !(await haveSameAccounts(from.set, to.set, lateUsers)))
        log.find('users and roles differ');
      await SideWriter.assertTurns([from.writer, to.writer], n + 1).catch((error: Error) => log.find(error.message));
      if (copy !== undefined && !ended.signal.aborted) await restoreOldSource(copy, engine, log);
    }
    return documents;
  };
  // The engine ends with the turns. Its failure tells more than that of a turn.
  const [turned, how] = await Promise.all([settled(turning().finally(() => engine.finish())), end]);
  const documents = turned();
  if (how !== 'committed') log.find(`the migration ended: ${JSON.stringify(how)}`);
  await engine.settleFormer();
  return { end: `${plan.turns.length} cutovers`, documents, longestStillMs: engine.longestStillMs };
}

/** Returns a function that returns the result, or throws the error. */
async function settled<T>(promise: Promise<T>): Promise<() => T> {
  return await promise.then(
    (value) => () => value,
    (error: unknown) => () => {
      throw error;
    },
  );
}

/** Returns the connection string with the port of a proxy in front of the set's only member. */
function through(uri: string, port: number): string {
  return uri.replace(/@[^/]+\/\?replicaSet=[^&]+/, `@127.0.0.1:${port}/?directConnection=true`);
}
