import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { cpuSeconds } from './cpu-time.ts';
import { LeftBehind } from './left-behind.ts';
import { claimOf, HANGS_AFTER_MS } from './worker-events.ts';

/** A worker that takes more memory runs no further file: files leave compiled modules and caches behind. */
const MOST_BYTES = 1024 ** 3;

/**
 * `node worker.ts CLAIMS FILE…`: runs test files one after the other in this process, each as one test that contains the file's own. Several workers
 * share a list of files: each file belongs to the worker that first creates its claim in the folder CLAIMS. In one process, files load the
 * modules once, and take servers that earlier files have released.
 */
const [claims = '', ...files] = process.argv.slice(2);

// The outer test keeps the runner from ending this process between two files.
await test('files', async () => {
  for (const file of files) {
    if (claim(file) && !(await runFile(file))) break;
  }
});

/** Returns whether the next file can run in this process. */
async function runFile(file: string): Promise<boolean> {
  const beganMs = Date.now();
  const spent = cpuSeconds();
  const before = new LeftBehind();
  let left: readonly string[] = [];
  await test(file, { timeout: HANGS_AFTER_MS }, async (context) => {
    const end = () => {
      context.diagnostic(JSON.stringify({ cpuSeconds: cpuSeconds() - spent }));
      left = before.take();
      if (left.length > 0) throw new Error(`it has left behind: ${left.join(', ')}`);
    };
    // Hooks of the file are added before, and run earlier.
    await import(pathToFileURL(file).href).finally(() => context.after(end));
  });
  return left.length === 0 && Date.now() - beganMs < HANGS_AFTER_MS && process.memoryUsage.rss() < MOST_BYTES;
}

function claim(file: string): boolean {
  try {
    closeSync(openSync(join(claims, claimOf(file)), 'wx'));
    return true;
  } catch {
    return false;
  }
}
