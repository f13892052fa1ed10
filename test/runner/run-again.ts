import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { TestTally } from '../support/test-tally.ts';
import { runFiles } from './run-files.ts';

/** Runs each failed file that compares no data once more, alone. When it passes, it counts as passed, and its failures as flaky. */
export async function runFailedAgain(root: string, tally: TestTally): Promise<void> {
  for (const file of tally.failedFiles.filter((one) => !comparesData(one))) {
    console.log(`running ${relative(root, file)} once more, alone, because it failed`);
    const second = new TestTally(root);
    await runFiles([file], second);
    tally.takeSecondRun(file, second);
  }
}

/** Whether a file compares data. A failure there may be a lost document, so no second run can make up for it. */
function comparesData(file: string): boolean {
  return /expectIdentical|compareClusters|SideWriter|LedgerWriter|countDocuments/.test(readFileSync(file, 'utf8'));
}
