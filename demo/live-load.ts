import { defaultMix } from '../test/support/ledger-operations.ts';
import { type Ledger, type LedgerWriter, startLedgerWriter } from '../test/support/ledger-writer.ts';
import { type DemoData, database } from './data.ts';
import type { Clusters } from './start-clusters.ts';

/** Minimum write rate of this demonstration on two idle cores. */
export const promisedWritesPerSecond = 500;

/** Target rate. Most operations write one document, transactions several. It is above the promised rate, because a busy machine delays some. */
const OPERATIONS_PER_SECOND = 550;

export interface LiveLoad extends LedgerWriter {
  /** Seconds since the start of the load. */
  runningSeconds(): number;
}

/** Starts a load that writes like applications, to the side that accepts writes. */
export async function startLiveLoad({ applications }: Clusters, { written }: DemoData): Promise<LiveLoad> {
  const writer = await startLedgerWriter({
    clients: applications,
    namespaces: written.map((name) => `${database}.${name}`),
    ratePerSecond: OPERATIONS_PER_SECOND,
    mix: { ...defaultMix, transaction: 33 },
  });
  const startedMs = performance.now();
  return { ...writer, runningSeconds: () => (performance.now() - startedMs) / 1_000 };
}

/** Lists the number of accepted operations of each kind: `insert 1,234, set 567, …`. */
export function describeKinds({ accepted }: Ledger): string {
  return Object.entries(accepted)
    .map(([kind, times]) => `${kind} ${times.toLocaleString('en-US')}`)
    .join(', ');
}
