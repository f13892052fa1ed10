import type { MongoClient } from 'mongodb';
import { AcknowledgedWriter } from '../../test/campaign/acknowledged-writer.ts';
import { WriterLoop } from '../../test/campaign/writer-loop.ts';
import { type Ledger, startLedgerWriter } from '../../test/support/ledger-writer.ts';
import { SeededRandom } from '../../test/support/seeded-random.ts';
import { DATABASE } from '../servers.ts';
import type { Servers } from './servers.ts';

const WRITES_PER_SECOND = 200;
const CHANGED = ['events', 'orders', 'random'].map((name) => `${DATABASE}.${name}`);
const LOG_EVERY_MS = 100;

/** Clients that write to whichever side accepts it, and know which writes were acknowledged. */
export interface Applications extends AsyncDisposable {
  /** The number of documents that were written so far. */
  readonly written: number;
  /** Ends the writes. @throws the ledger writer's failure */
  stop(): Promise<Ledger>;
  /** Lists acknowledged writes that a side does not have. */
  missingOn(client: MongoClient): Promise<string[]>;
}

/** @param sides  those that they may write to. A destination accepts writes until its migration begins */
export async function startApplications(
  { applications }: Servers,
  sides: readonly (keyof Servers['applications'])[],
  seed: number,
): Promise<Applications> {
  const clients = sides.map((side) => applications[side]);
  const ledger = await startLedgerWriter({ clients, namespaces: CHANGED, seed, ratePerSecond: WRITES_PER_SECOND });
  const acknowledged = sides.map((side, n) => {
    // Each command has a collection of its own: it knows nothing of the writes of an earlier one.
    const options = { database: 'acknowledged', collection: `${side}${Date.now()}` };
    return new AcknowledgedWriter(applications[side], new SeededRandom(seed + n), options);
  });
  const logs = clients.map((client) => new WriterLoop(() => log(client), LOG_EVERY_MS));
  const stop = async () => {
    for (const one of [...acknowledged, ...logs]) await one.stop();
    return await ledger.stop();
  };
  return {
    get written() {
      return ledger.snapshot().documentsWritten;
    },
    stop,
    missingOn: async (client) => (await Promise.all(acknowledged.map((one) => one.missingOn(client)))).flat(),
    // An exception here would hide the one that ended the phase.
    [Symbol.asyncDispose]: async () => void (await stop().catch(() => undefined)),
  };
}

/** Writes a line of the capped log and a value of the time series. */
async function log(client: MongoClient): Promise<void> {
  const at = new Date();
  await client.db(DATABASE).collection('log').insertOne({ at, level: 'info', line: 'written while it is migrated' });
  await client
    .db(DATABASE)
    .collection('series')
    .insertOne({ at, sensor: { site: 1, id: 1 }, celsius: 21.5 });
}
