import { setTimeout as delay } from 'node:timers/promises';
import { type MongoClient, MongoServerError } from 'mongodb';
import { eventually } from '../support/eventually.ts';
import { USER_WRITES_BLOCKED } from '../support/ledger-writer.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { EngineLives } from './engine-lives.ts';
import type { RoundLog } from './round-log.ts';

const ASK_EVERY_MS = 250;
/** A request that the engine reads only after the abort would begin a cutover after it. So this one has no short deadline. */
const COMMIT_DEADLINE_MS = 300_000;
/** Longer than any fault. */
const ANSWERS_WITHIN_MS = 120_000;

/** A cutover that ends with the source open. */
export interface TrialCutover {
  readonly kind: 'rehearsal' | 'abort';
  /** Pause before it. */
  readonly afterMs: number;
  /** `abort`: time from the request of the cutover to its abort. */
  readonly abortAfterMs: number;
}

/** The parts of a round that its trial cutovers concern. */
interface TrialWorld {
  readonly engine: Pick<EngineLives, 'call' | 'reach' | 'latest' | 'latestAtMs' | 'latestInThisLife' | 'lives'>;
  /** Clients of the source: as a user whom its write block refuses, and as one who may read everything. */
  readonly application: MongoClient;
  readonly source: MongoClient;
  readonly log: RoundLog;
  /** Whether the engine's answers are about the direction of the trial. One that was started again first shows the one before. */
  isCurrent(): boolean;
}

export function drawTrials(random: SeededRandom): TrialCutover[] {
  return Array.from({ length: random.pick([0, 0, 1, 1, 2, 3]) }, () => ({
    kind: random.pick(['rehearsal', 'abort'] as const),
    afterMs: random.integer(2_000),
    abortAfterMs: random.integer(random.next() < 0.7 ? 1_500 : 6_000),
  }));
}

/** Rehearses cutovers, and aborts some, one after the other. After each, users must be able to write to the source. */
export async function runTrials(world: TrialWorld, trials: readonly TrialCutover[], ended: AbortSignal): Promise<void> {
  for (const { kind, afterMs, abortAfterMs } of trials) {
    await delay(afterMs, undefined, { signal: ended }).catch(() => undefined);
    world.engine.reach('trial');
    const isOpen = kind === 'rehearsal' ? await rehearse(world, ended) : await abort(world, abortAfterMs, ended);
    // An abort that came after the commit leaves nothing to try.
    if (!isOpen) return;
    await expectOpen(world, kind);
  }
}

/** Rehearses the cutover. @returns whether the source has to be open now */
async function rehearse({ engine, log }: TrialWorld, ended: AbortSignal): Promise<boolean> {
  const askedAtMs = Date.now();
  if (!(await untilAnswered(() => engine.call('rehearseCommit'), ended))) return false;
  const { lives } = engine;
  const acceptedAtMs = Date.now();
  // A process that is killed takes its rehearsal with it. The next one reports a block only until it has lifted it.
  const isOver = () => {
    const { latestInThisLife: progress } = engine;
    if (progress === undefined || progress.state === 'CREATED' || engine.latestAtMs <= acceptedAtMs) return false;
    const hasEnded = progress.cutoverAttempts.some(({ rehearsalId = 0, result }) => rehearsalId >= askedAtMs && result);
    return progress.cutover?.blocking !== true && (engine.lives !== lives || hasEnded);
  };
  while (!ended.aborted && !isOver()) await delay(ASK_EVERY_MS);
  const { result, reason = '' } = engine.latest?.cutoverAttempts.at(-1) ?? {};
  log.say(`the rehearsal ended: ${result} ${reason}`);
  return !ended.aborted;
}

/** Requests the cutover and aborts it. @returns whether the source has to be open now: the abort may come too late */
async function abort(
  { engine, log, isCurrent }: TrialWorld,
  abortAfterMs: number,
  ended: AbortSignal,
): Promise<boolean> {
  if (!(await untilAnswered(() => engine.call('commit', { deadlineMs: COMMIT_DEADLINE_MS }), ended))) return false;
  await delay(abortAfterMs, undefined, { signal: ended }).catch(() => undefined);
  let tooLate = false;
  const ask = async () => {
    const { success, error } = await engine.call('abortCommit');
    tooLate = error === 'CutoverCommitted' && isCurrent();
    return { success: success || tooLate };
  };
  const answered = await untilAnswered(ask, ended);
  log.say(tooLate ? 'the abort came after the commit' : 'the cutover was aborted');
  return answered && !tooLate;
}

/** Repeats a request until it succeeds. @returns false when the migration has ended before */
async function untilAnswered(
  request: () => Promise<{ readonly success: boolean }>,
  ended: AbortSignal,
): Promise<boolean> {
  while (!ended.aborted) {
    if ((await request()).success) return true;
    await delay(ASK_EVERY_MS);
  }
  return false;
}

/** Checks that the source accepts a write of a user, and has no block on record. */
async function expectOpen({ application, source, log }: TrialWorld, kind: TrialCutover['kind']): Promise<void> {
  const look = async () => ({
    refused: await refusesUpdate(application),
    blocks: await source.db('config').collection('user_writes_critical_sections').countDocuments(),
  });
  // A fault may have removed a primary.
  const what = 'a source that answers after a trial cutover';
  const { refused, blocks } = await eventually(look, { what, deadlineMs: ANSWERS_WITHIN_MS });
  if (refused || blocks > 0)
    log.find(`the source is blocked after a trial cutover (${kind}), with ${blocks} on record`);
}

/** Unlike `refusesWrites`, it doesn't change the catalog. */
async function refusesUpdate(application: MongoClient): Promise<boolean> {
  const entries = application.db('acknowledged').collection<{ _id: string; looks: number }>('entries');
  try {
    await entries.updateOne({ _id: 'open' }, { $inc: { looks: 1 } }, { upsert: true });
    return false;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === USER_WRITES_BLOCKED) return true;
    throw error;
  }
}
