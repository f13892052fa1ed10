import type { MigrationSample, Store } from '../../src/control/index.ts';
import { verificationProgress } from '../../src/engine/report/verification-progress.ts';
import { listedMismatch } from '../atlas-api/listed-mismatch.ts';
import { progress } from '../atlas-api/migration-world.ts';
import type { Started } from '../atlas-api/started-migration.ts';
import { manyCollections, partsOf } from './reported-collections.ts';

/** The size of a migration that pages are tried with. */
export const LARGE = { collections: 5_000, mismatches: 10_000 };

/** Runs in the page: follows a link, and waits until the table of collections and the charts with their history are there and painted. */
export const RENDER_MIGRATION = `async (path) => {
  const hasHistory = () => document.querySelectorAll('details tbody tr').length > 20;
  const isThere = () => document.querySelectorAll('.rows tbody th').length > 10 && document.querySelectorAll('.chart svg').length === 2;
  const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  location.hash = path;
  while (!hasHistory() || !isThere()) await painted();
  await painted();
}`;

/** The most that a report may have. */
const MISMATCHES_OF_A_REPORT = 1_000;

const figures = (at: number): MigrationSample['figures'] => ({
  state: 'COPYING',
  lagSeconds: at % 40,
  changesRead: at * 100,
  changesApplied: at * 90,
  queuedKeys: 10,
  bytesCopied: at * 1_000,
  documentsVerified: null,
  oplogLeftSeconds: 3_600,
});

/** Reports thousands of collections, and stores a day of samples: one a second of the last hour, one a minute of the day. */
export async function enlarge({ id, agent }: Started, store: Store): Promise<void> {
  for (const lists of partsOf(manyCollections(LARGE.collections)))
    await agent.report({ migrations: [{ id, progress: progress(id, { state: 'COPYING' }), lists }] });
  const nowMs = Date.now();
  await store.write(async (transaction) => {
    for (const [spanMs, number] of [
      [1_000, 3_600],
      [60_000, 1_440],
    ] as const)
      for (let at = 1; at <= number; at += 1)
        await transaction.put('migrationSamples', {
          migrationId: id,
          spanMs,
          atMs: nowMs - (number - at) * spanMs,
          figures: figures(at),
        });
  });
}

/** Reports the first so many of the documents that differed. */
export async function reportMismatches({ id, agent }: Started, found: number, reported = found): Promise<void> {
  const all = Array.from({ length: found }, (_, number) => listedMismatch(number));
  const mismatches = { found, open: found, latest: all.slice(-10).reverse() };
  const verification = { ...verificationProgress('REPORT'), mismatches };
  for (let from = 0; from < reported; from += MISMATCHES_OF_A_REPORT) {
    const changed = all.slice(from, Math.min(reported, from + MISMATCHES_OF_A_REPORT));
    const part = from / MISMATCHES_OF_A_REPORT;
    const lists = { mismatches: { series: 'a'.repeat(24), part, total: found, changed, removed: [] } };
    await agent.report({ migrations: [{ id, progress: progress(id, { state: 'FOLLOWING', verification }), lists }] });
  }
}
