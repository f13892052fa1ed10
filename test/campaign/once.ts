import { onFailpoint } from '../../src/platform/index.ts';
import { dropShells, fillModel } from '../engine/model/run-schedule.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { startPair } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { differencesOfOrder } from './capped-order.ts';
import { failureOf } from './drive.ts';
import { letters } from './letters.ts';
import { ODD_WRITERS, type OddWriter } from './plan.ts';
import { fillRings, rings } from './rings.ts';
import type { RoundReport } from './round.ts';
import type { RoundLog } from './round-log.ts';
import { saves } from './saves.ts';
import { unstreamedWrites } from './unstreamed-writes.ts';

const SHOWN = 10;

/** A migration that ends by itself once it has caught up. All writers write before that. */
export interface OncePlan {
  readonly seed: number;
  readonly writers: readonly OddWriter[];
  /** The numbers of the copy's batches at which the writers write, and how much each writes. */
  readonly bursts: readonly { readonly batch: number; readonly steps: number }[];
  readonly documents: number;
}

export function drawOnce(seed: number): OncePlan {
  const random = new SeededRandom(seed);
  const writers = ODD_WRITERS.filter(() => random.next() < 0.6);
  return {
    seed,
    writers: writers.length === 0 ? ['unstreamed'] : writers,
    bursts: Array.from({ length: 1 + random.integer(3) }, () => ({
      batch: 1 + random.integer(8),
      steps: 20 + random.integer(60),
    })),
    documents: 500 + random.integer(5_000),
  };
}

/** Checks that both sides are identical afterwards, including everything written before it caught up. */
export async function runOnce(plan: OncePlan, log: RoundLog): Promise<RoundReport> {
  await using pair = await startPair();
  const [source, destination] = [pair.source.client, pair.destination.client];
  const rows = Array.from({ length: plan.documents }, (_, n) => ({ n, text: 'x'.repeat(200) }));
  await source.db('shop').collection('items').insertMany(rows);
  await source.db('unstreamed').collection('turned').insertMany(rows);
  await fillModel(source, 0);
  await fillRings(source);
  const random = new SeededRandom(plan.seed);
  const makers = {
    saves: saves(source, random),
    rings: rings(source, random, { drops: true }),
    letters: letters(source, random),
    unstreamed: unstreamedWrites(source, random, { catalog: true }),
  };
  let batch = 0;
  const writing: Promise<void>[] = [];
  const write = async (steps: number) => {
    log.say(`${steps} steps at batch ${batch} of the copy`);
    for (let step = 0; step < steps; step += 1)
      for (const writer of plan.writers) await makers[writer]().catch(() => undefined);
  };
  using _ = onFailpoint('engine.copy.batch-acknowledged', async () => {
    batch += 1;
    for (const burst of plan.bursts) if (burst.batch === batch) writing.push(write(burst.steps));
    await Promise.all(writing);
  });
  await using running = RunningMigration.start(pair, { once: true, partitionBytes: 100_000 });
  const end = await running.outcome.catch((error: unknown) => failureOf('the migration', error, log));
  if (end !== 'COMMITTED') {
    log.find(`it did not commit: ${JSON.stringify(end)}`);
    return { end: JSON.stringify(end), documents: 0 };
  }
  await dropShells(source, destination);
  const { differences, documents } = await compareClusters(source, destination);
  if (differences.length > 0) log.find(`the clusters differ: ${differences.slice(0, SHOWN).join('; ')}`);
  for (const text of await differencesOfOrder(source, destination)) log.find(text);
  return { end, documents };
}
