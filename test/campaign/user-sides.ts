import { SideWriter } from '../engine/cutover/side-writer.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { eventually } from '../support/eventually.ts';
import type { ReplicaSet } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { refusesWrites } from './probes.ts';
import type { RoundLog } from './round-log.ts';
import { passSeats } from './seats.ts';
import { WriterLoop } from './writer-loop.ts';
import { type Pace, writersRest } from './writers-rest.ts';

const PASS_EVERY_MS = 5;
/** Users pass seats for so long while no cutover is possible. */
const LONGEST_UNREADY_MS = 20_000;
const SHOWN = 5;
/** Longer than any fault, on a busy machine. */
export const WITHIN_MS = 180_000;

/** One of the two clusters of a reversible migration, and the applications that write to it whenever it accepts that. */
export interface UserSide {
  readonly name: 'first' | 'second';
  readonly set: ReplicaSet;
  readonly writer: SideWriter;
  readonly seats: WriterLoop;
}

/** The side that has the users before a turn, and the one that has them afterwards. */
export interface UserSides {
  readonly from: UserSide;
  readonly to: UserSide;
}

/**
 * Starts the applications of a side. They stop with the resources.
 * @param latest  the latest progress: no seats are passed once it has not been ready for a cutover for a while: on a busy machine, users can
 * pass them faster than any engine can follow
 */
export async function startUsers(
  name: UserSide['name'],
  set: ReplicaSet,
  { seed, log, latest }: { readonly seed: number; readonly log: RoundLog; readonly latest: () => Pace | undefined },
  resources: AsyncDisposableStack,
): Promise<UserSide> {
  const writer = resources.use(await SideWriter.start(set, name));
  const random = new SeededRandom(seed + (name === 'first' ? 0 : 1));
  const rests = writersRest(latest, log, LONGEST_UNREADY_MS);
  const seats = new WriterLoop(passSeats(writer.application, random), PASS_EVERY_MS, rests);
  resources.defer(() => seats.stop());
  return { name, set, writer, seats };
}

/** Waits until users write on the new side, and checks that only that one accepts it. */
export async function untilUsersOn({ from, to }: UserSides, log: RoundLog): Promise<void> {
  const { acknowledged } = to.writer;
  await eventually(() => to.writer.acknowledged > acknowledged, {
    what: 'users on the new side',
    deadlineMs: WITHIN_MS,
  });
  await expectOneSide({ from, to }, log);
}

/** Checks that the new side accepts writes, and the old one does not. A fault may have removed a primary. */
export async function expectOneSide({ from, to }: UserSides, log: RoundLog): Promise<void> {
  const refuses = async ({ writer, name }: UserSide) => {
    const look = async () => ({ refuses: await refusesWrites(writer.application) });
    return (await eventually(look, { what: `the ${name} side to answer`, deadlineMs: WITHIN_MS })).refuses;
  };
  if (!(await refuses(from))) log.find(`the ${from.name} side accepts writes after the cutover to the ${to.name}`);
  if (await refuses(to)) log.find(`the ${to.name} side refuses writes after the cutover to it`);
}

/** The blocked side keeps the expiry of its own index until it has the users again. */
const EXPIRY = 'shop.sessions: index at_1 differ';
const OF_INDEX =
  /^shop\.seats: index \S+ differ: the source has (?<blocked>\{.*\}), the destination has (?<open>\{.*\})$/;

/** Whether the blocked side is to differ like that until it has the users again. */
function isUntilReturn(difference: string): boolean {
  if (difference.startsWith(EXPIRY)) return true;
  const { blocked, open } = OF_INDEX.exec(difference)?.groups ?? {};
  // A unique index that users make on the open side is plain on the other.
  return blocked !== undefined && open?.replace('"unique":true,', '') === blocked;
}

/**
 * Compares both sides while no application writes.
 * @param failback  returns what is told of the failback, for the log when they differ
 * @returns the number of compared documents
 */
export async function compareAtRest(
  { from, to }: UserSides,
  log: RoundLog,
  failback: () => Promise<unknown>,
): Promise<number> {
  using held = new DisposableStack();
  for (const one of [from.writer, to.writer, from.seats, to.seats]) held.use(await one.hold());
  const compare = async () => {
    const { documents, differences } = await compareClusters(from.set.client, to.set.client);
    return { documents, differences: differences.filter((one) => !isUntilReturn(one)) };
  };
  let compared = await compare();
  const isIdentical = async () => {
    compared = await compare();
    return compared.differences.length === 0;
  };
  await eventually(isIdentical, { what: 'both sides to be identical', deadlineMs: WITHIN_MS }).catch(() =>
    log.find(`the sides differ: ${compared.differences.slice(0, SHOWN).join('; ')}`),
  );
  if (compared.differences.length > 0) log.say(`the failback: ${JSON.stringify(await failback())}`);
  log.say(`${compared.documents} documents were compared`);
  return compared.documents;
}
