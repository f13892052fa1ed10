import { openSync, type SyncProcess } from '../../test/support/sync-process.ts';
import { spreadOf } from '../rounds.ts';
import { DATABASE, settle, startServers } from '../servers.ts';

const DOCUMENTS = 100;
const LOOK_EVERY_MS = 10;
/** From the readiness to the request, as an operator looks at the migration before. */
const READY_FOR_MS = 2_000;
const STEPS = ['process', 'start', 'ready', 'commit'] as const;

/** Migrates 100 documents with `linkspan sync`, as often as told, and prints how long each step took that an operator waits for, in seconds. */
export async function measureMigrations(rounds: number): Promise<void> {
  await using pair = await startServers();
  const { source, destination } = pair;
  const measured: Record<(typeof STEPS)[number], number>[] = [];
  for (let round = -1; round < rounds; round += 1) {
    for (const { client } of [source, destination]) {
      await client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
      await settle(client);
    }
    const documents = Array.from({ length: DOCUMENTS }, (_, _id) => ({ _id, text: 'x'.repeat(600) }));
    await source.client.db(DATABASE).collection<{ _id: number }>('documents').insertMany(documents);
    const took = await migrate({ source: source.uri, destination: destination.uri });
    if (round >= 0) measured.push(took); // The first round fills the compile cache.
  }
  const rows = STEPS.map((step) => ({ step: step as string, ...spreadOf(measured.map((one) => one[step])) }));
  const sums = measured.map((one) => STEPS.reduce((sum, step) => sum + one[step], 0));
  console.log(`\na migration of ${DOCUMENTS} documents, ${rounds} times, in seconds`);
  console.table([...rows, { step: 'together', ...spreadOf(sums) }]);
  console.log(JSON.stringify({ documents: DOCUMENTS, measured }));
}

async function migrate(uris: { readonly source: string; readonly destination: string }) {
  let lookedAtMs = performance.now();
  const lap = () => {
    const beganMs = lookedAtMs;
    lookedAtMs = performance.now();
    return (lookedAtMs - beganMs) / 1_000;
  };
  await using sync = await openSync(uris);
  const process = lap();
  await sync.call('start', { source: 'cluster0', destination: 'cluster1' });
  const start = lap();
  await until(sync, ({ canCommit }) => canCommit);
  const ready = lap();
  await new Promise((resolve) => setTimeout(resolve, READY_FOR_MS));
  lap();
  await sync.call('commit');
  await until(sync, ({ state }) => state === 'COMMITTED');
  return { process, start, ready, commit: lap() };
}

async function until(
  sync: SyncProcess,
  isReached: (progress: { state: string; canCommit: boolean }) => boolean,
): Promise<void> {
  while (!isReached(await sync.progress())) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}
