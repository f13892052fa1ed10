import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/platform/index.ts';
import { RoundLog } from './round-log.ts';
import { chosen, roundOf } from './rounds.ts';

/**
 * `npm run campaign -- [--seed N] [--minutes M] [--parallel 1|2] [--round] [--only KIND…] [--keep FOLDER] [--dialect NAME…]`: runs migrations between
 * real servers with writers and faults for M minutes (10 by default), one or two at a time. Round n has the seed N + n; `--round`
 * runs only the one with seed N, and prints its events. `--only` takes kinds of rounds (`rounds.ts`) and of faults
 * (`fault.ts`). `--dialect NAME` puts a dialect of that version in front of both servers of a pair, which are no real servers of it; given
 * twice, the first is the source's. Exit code 1: there are findings, with all logs in a folder.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    parallel: { type: 'string', default: '1' },
    round: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    dialect: { type: 'string', multiple: true, default: [] },
    keep: { type: 'string', default: join(tmpdir(), 'linkspan-campaign') },
  },
});

const [ofSource, ofDestination = ofSource] = values.dialect;
if (ofSource !== undefined) process.env.LINKSPAN_SOURCE_DIALECT = ofSource;
if (ofDestination !== undefined) process.env.LINKSPAN_DESTINATION_DIALECT = ofDestination;

const MOST_LANES = 2;
/** Several times the duration of the longest rounds. */
const LONGEST_ROUND_MS = 20 * 60_000;
const first = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const choice = chosen(values.only);
const endMs = Date.now() + Number(values.minutes) * 60_000;
const totals = { passed: 0, failed: 0 };
let next = first;
let lastAlone: Promise<unknown> = Promise.resolve();

console.log(`campaign with seed ${first}`);
const lanes = values.round ? 1 : Math.min(Number(values.parallel), MOST_LANES);
await Promise.all(Array.from({ length: lanes }, () => runLane()));
console.log(`${totals.passed} passed, ${totals.failed} failed, 0 skipped`);
// Without this, Node may wait without end for the unsent data of a reset connection.
process.exit(totals.failed === 0 ? 0 : 1);

async function runLane(): Promise<void> {
  do {
    await oneRound(next++);
  } while (!values.round && Date.now() < endMs);
}

async function oneRound(seed: number): Promise<void> {
  const round = roundOf(seed, choice);
  const log = new RoundLog(values.round);
  const text = `${round.kind} ${JSON.stringify(round.plan)}`;
  console.log(`round with seed ${seed}: ${text}`);
  log.say(text);
  const startedMs = Date.now();
  let told = '';
  try {
    const report = round.alone ? oneAtATime(() => round.run(log)) : round.run(log);
    const { end, documents, longestStillMs } = await Promise.race([report, tooLate()]);
    const still =
      longestStillMs === undefined ? '' : `, at most ${Math.round(longestStillMs / 1_000)} s without progress`;
    told = `${end}, ${documents} documents${still}`;
  } catch (error) {
    log.find(`${messageOf(error)}\n${error instanceof Error ? error.stack : ''}\n${causeOf(error)}`);
  }
  const seconds = Math.round((Date.now() - startedMs) / 1_000);
  if (log.findings.length === 0) {
    totals.passed += 1;
    console.log(`  ok: seed ${seed}, ${seconds} s, ${told}`);
    return;
  }
  totals.failed += 1;
  const folder = log.keep(values.keep, seed);
  console.log(`  NOT OK: seed ${seed}, ${seconds} s; see ${folder}\n${log.findings.join('\n')}`);
  console.log(
    `  again: npm run campaign -- --seed ${seed} --round${values.only.map((kind) => ` --only ${kind}`).join('')}`,
  );
}

/** Rejects at the deadline of a round. The campaign then continues without waiting for the round, and fails at its end. */
async function tooLate(): Promise<never> {
  await delay(LONGEST_ROUND_MS, undefined, { ref: false });
  throw new Error(`the round has not ended after ${LONGEST_ROUND_MS / 60_000} minutes`);
}

/** Runs exclusive work one after the other. */
async function oneAtATime<T>(run: () => Promise<T>): Promise<T> {
  const mine = lastAlone.then(run);
  lastAlone = mine.catch(() => undefined);
  return await mine;
}

function causeOf(error: unknown): string {
  if (error instanceof SuppressedError) return `${stackOf(error.suppressed)}\nand then ${stackOf(error.error)}`;
  return error instanceof Error && error.cause !== undefined ? `because of ${stackOf(error.cause)}` : '';
}

function stackOf(error: unknown): string {
  return error instanceof Error ? `${error.stack} ${causeOf(error)}` : String(error);
}
