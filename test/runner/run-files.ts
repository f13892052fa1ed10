import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';
import type { TestEvent, TestTally } from '../support/test-tally.ts';
import { claimOf, WorkerEvents } from './worker-events.ts';

const WORKER = join(import.meta.dirname, 'worker.ts');
/** More than the two cores of a small machine, because tests mostly wait. */
const WORKERS = 5;

/**
 * Runs test files, given by absolute paths, and counts their results in the tally. A worker takes one file after the other. The files of a
 * worker that died run again, each in a process of its own: a file is to blame when that one dies, too.
 */
export async function runFiles(files: readonly string[], tally: TestTally): Promise<void> {
  using claims = temporaryFolder('claims');
  const isLeft = () => files.some((file) => !existsSync(join(claims.path, claimOf(file))));
  const ended: string[] = [];
  const work = async () => {
    while (isLeft()) ended.push(...(await runWorker(claims.path, files, tally)).ended);
  };
  await Promise.all(Array.from({ length: Math.min(WORKERS, files.length) }, work));
  for (const file of files.filter((one) => !ended.includes(one))) {
    using own = temporaryFolder('claims');
    const events = await runWorker(own.path, [file], tally);
    if (events.ended.length === 0) take(tally, events.takeUnfinished(file, 'its process ended before it'));
  }
}

async function runWorker(claims: string, files: readonly string[], tally: TestTally): Promise<WorkerEvents> {
  const events = new WorkerEvents();
  // Forces an exit: resources that a failed test left open must not delay all others.
  const options = { files: [WORKER], argv: [claims, ...files], forceExit: true };
  for await (const event of run(options)) take(tally, events.take(event as TestEvent));
  return events;
}

function take(tally: TestTally, events: readonly TestEvent[]): void {
  for (const event of events) tally.take(event);
}
