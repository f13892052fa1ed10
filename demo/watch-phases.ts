import type { MongoClient } from 'mongodb';
import { eventually } from '../test/support/eventually.ts';
import { readCheckpointCounts } from './checkpoint-counts.ts';
import { count, megabytes, narrate } from './narrate.ts';

const REPORT_EVERY_MS = 1_000;

/** Prints the phase of the migration about every second, until disposal. */
export function watchPhases(destination: MongoClient, migrationId: string): AsyncDisposable {
  let stopped = false;
  const watching = (async () => {
    let last = '';
    while (!stopped) {
      const counts = await readCheckpointCounts(destination, migrationId);
      const line = counts
        ? `${counts.state}: ${count(counts.documentsCopied)} documents, ${megabytes(counts.bytesCopied)} copied, ${count(counts.changesApplied)} changes applied`
        : 'waiting for the agent';
      if (line !== last) narrate(line);
      last = line;
      const next = performance.now() + REPORT_EVERY_MS;
      await eventually(() => stopped || performance.now() >= next, { what: 'the next second' });
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      stopped = true;
      await watching;
    },
  };
}
