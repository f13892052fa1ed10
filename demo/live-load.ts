import { defaultMix } from '../test/support/ledger-operations.ts';
import { type Ledger, type LedgerWriter, startLedgerWriter } from '../test/support/ledger-writer.ts';
import { database } from './datasets.ts';
import type { Clusters } from './start-clusters.ts';

/** The least that this demonstration promises, on two cores that are not busy with other things. */
export const promisedWritesPerSecond = 500;

/** Most operations write one document, transactions several. Above what is promised, as a busy machine delays some. */
const OPERATIONS_PER_SECOND = 550;

/** The largest collections, so that many writes meet what is being copied, and one that only the load writes to. */
const COLLECTIONS = ['flights_200k_json', 'zipcodes', 'flights_20k', 'ledger'];

export interface LiveLoad extends LedgerWriter {
  /** Since its start. */
  runningSeconds(): number;
}

/** Writes like applications do, on whichever side accepts. */
export async function startLiveLoad({ applications }: Clusters): Promise<LiveLoad> {
  const writer = await startLedgerWriter({
    clients: applications,
    namespaces: COLLECTIONS.map((name) => `${database}.${name}`),
    ratePerSecond: OPERATIONS_PER_SECOND,
    mix: { ...defaultMix, transaction: 33 },
  });
  const startedMs = performance.now();
  return { ...writer, runningSeconds: () => (performance.now() - startedMs) / 1_000 };
}

/** How many operations of each kind were accepted: `insert 1,234, set 567, …`. */
export function describeKinds({ accepted }: Ledger): string {
  return Object.entries(accepted)
    .map(([kind, times]) => `${kind} ${times.toLocaleString('en-US')}`)
    .join(', ');
}
