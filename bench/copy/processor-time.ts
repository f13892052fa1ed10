import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { MongoClient } from 'mongodb';
import { sendBatches } from '../raw-commands.ts';
import { type Spread, spreadOf } from '../rounds.ts';
import { AS_INSTALLED } from './contenders.ts';
import type { DataSet } from './data-sets.ts';
import type { Done, Request } from './engine-process.ts';

const FEW = 'few';

/** The clusters' connection strings. */
interface Uris {
  readonly source: string;
  readonly destination: string;
}

/**
 * Measures the engine's processor time for each copied document, and the bytes that one core copies in a second: the
 * difference between a migration of the data set's collection and one of its first batches, so that what every migration
 * costs does not count.
 */
export async function processorTime(client: MongoClient, uris: Uris, dataSet: DataSet, rounds: number): Promise<void> {
  const [{ name, batches }] = dataSet.collections as [DataSet['collections'][number]];
  const few = batches.slice(0, Math.ceil(batches.length / 10));
  await sendBatches(client, FEW, 'insert', few, 2);
  const more = batches.slice(few.length);
  const documents = more.reduce((sum, { length }) => sum + length, 0);
  const gigabytes = more.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1e9;

  const program = new URL('engine-process.ts', import.meta.url);
  const child = fork(program, [uris.source, uris.destination], { execArgv: AS_INSTALLED.flags, env: AS_INSTALLED.env });
  using _ = { [Symbol.dispose]: () => child.kill('SIGKILL') };
  const migrate = async (collection: string) => {
    child.send({ collection } satisfies Request);
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the engine ended early')));
    const [done] = (await Promise.race([once(child, 'message'), ended])) as [Done];
    return done;
  };
  const samples: Record<string, number>[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const least = await migrate(FEW);
    const whole = await migrate(name);
    const processorSeconds = whole.processorSeconds - least.processorSeconds;
    const sample = {
      'µs a document': (processorSeconds / documents) * 1_000_000,
      'GB/s per core': gigabytes / processorSeconds,
      'GB/s reached': gigabytes / (whole.seconds - least.seconds),
    };
    if (round >= 0) samples.push(sample);
    console.error(round < 0 ? 'warm-up' : `round ${round + 1}`, sample);
  }
  console.log(`\nprocessor time of the engine for each copied document: ${dataSet.title}`);
  for (const unit of Object.keys(samples[0] ?? {})) {
    const spread: Spread = spreadOf(samples.map((sample) => sample[unit] ?? 0));
    console.log(JSON.stringify({ title: 'processor time', unit, ...spread }));
  }
}
