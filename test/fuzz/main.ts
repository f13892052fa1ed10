import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../support/seeded-random.ts';
import { bsonReplies } from './bson-replies.ts';
import { connectionStrings } from './connection-strings.ts';
import { digestHeaders } from './digest-headers.ts';
import { linkMessages } from './link-messages.ts';
import type { FuzzTarget } from './target.ts';

/**
 * `npm run fuzz -- [--seed N] [--seconds S] [--only TEXT] [--one]`: gives damaged input to each reader of strangers' input for S seconds (20 by
 * default). Input n has the seed N + n; `--one` tries only the input with seed N. The last line, `N passed, N failed, N skipped`, counts
 * readers. Exit code 1: a reader failed. Exit code 2: nothing was tried.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    one: { type: 'boolean', default: false },
  },
});

const TARGETS: readonly FuzzTarget[] = [bsonReplies, connectionStrings, digestHeaders, linkMessages];
/** Maximum of findings for one reader. More would be repetitions. */
const MOST_FINDINGS = 5;

const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const chosen = TARGETS.filter(({ name }) => name.includes(values.only));
console.log(`fuzzing with seed ${seed}`);
let failed = 0;
for (const target of chosen) if (!(await passes(target))) failed += 1;
console.log(`${chosen.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = chosen.length === 0 ? 2 : Math.min(failed, 1);

async function passes(target: FuzzTarget): Promise<boolean> {
  await using open = await target.open();
  const endMs = performance.now() + Number(values.seconds) * 1_000;
  let findings = 0;
  let next = seed;
  do {
    try {
      await open.attempt(new SeededRandom(next));
    } catch (error) {
      findings += 1;
      console.log(`  found by ${target.name}: ${error instanceof Error ? error.message : error}`);
      console.log(`  again: npm run fuzz -- --seed ${next} --only '${target.name}' --one`);
    }
    next += 1;
  } while (!values.one && findings < MOST_FINDINGS && performance.now() < endMs);
  console.log(`${findings === 0 ? '✔' : '✖'} ${target.name}: ${next - seed} inputs`);
  return findings === 0;
}
