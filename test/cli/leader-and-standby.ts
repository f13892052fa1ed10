import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import type { RunOptions } from '../support/linkspan-process.ts';
import type { ReplicaSetPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { openSync, type SyncProcess, startSync, type Uris } from '../support/sync-process.ts';

/** The lease of 20 s and the looks after it, and more for a busy machine. */
export const TAKEN_OVER_WITHIN_MS = 120_000;

/** Starts a migration on one process, and beside it a standby that knows its leader. Disposing ends both. */
export async function startBoth(uris: Uris, flags: readonly string[] = [], options: RunOptions = {}) {
  const stack = new AsyncDisposableStack();
  const leader = stack.use(await startSync(uris, ['--standby', ...flags], options));
  const standby = stack.use(await openSync(uris, ['--standby', ...flags]));
  await eventually(async () => (await standby.progress()).linkspan?.standby?.pid, { what: 'a standby with a leader' });
  return { leader, standby, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

export async function untilLeading({ progress }: SyncProcess): Promise<void> {
  await eventually(async () => (await progress()).state !== 'IDLE', {
    what: 'the take-over',
    deadlineMs: TAKEN_OVER_WITHIN_MS,
  });
}

export async function untilReady({ progress }: Pick<SyncProcess, 'progress'>): Promise<void> {
  await eventually(async () => (await progress()).canCommit, { what: 'readiness', deadlineMs: TAKEN_OVER_WITHIN_MS });
}

/** Commits the migration on a process, and asserts that both sides are equal. */
export async function commit({ progress, call }: SyncProcess, pair: ReplicaSetPair): Promise<void> {
  await untilReady({ progress });
  assert.equal((await call('commit')).success, true);
  await eventually(async () => (await progress()).state === 'COMMITTED', { what: 'the commit' });
  await expectIdentical(pair);
}

export const urisOf = ({ source, destination }: ReplicaSetPair): Uris => ({
  source: source.uri,
  destination: destination.uri,
});

export const fill = (pair: ReplicaSetPair) =>
  pair.source.client
    .db('shop')
    .collection('items')
    .insertMany(numbered(3_000, { text: 'x'.repeat(1_000) }));
