import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepFewFilesOpen } from '../support/few-open-files.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startReplicaSet } from '../support/replica-set.ts';

/** `npm run test:collections` creates 10,000. */
const COLLECTIONS = Number(process.env.LINKSPAN_TEST_COLLECTIONS ?? 500);
const AT_ONCE = 8;
const PROMISED_MS = 30_000;

test(`a plan of ${COLLECTIONS} collections takes at most 30 s and lists every problem, also that of the last collection`, async (context) => {
  await using source = await startReplicaSet();
  await keepFewFilesOpen(source.client);
  await using destination = await startReplicaSet();
  const db = source.client.db('many');
  const names = Array.from({ length: COLLECTIONS }, (_, n) => `c${String(n).padStart(5, '0')}`);
  const left = names.values();
  const create = async () => {
    for (const name of left) await db.createCollection(name, { writeConcern: { w: 1, journal: false } });
  };
  await Promise.all(Array.from({ length: AT_ONCE }, create));
  const planted = ['c00000', names[COLLECTIONS / 2] ?? '', names.at(-1) ?? ''];
  for (const name of planted) {
    await db
      .collection(name)
      .createIndexes(Array.from({ length: 63 }, (_, n) => ({ key: { [`f${n}`]: 1 }, name: `f${n}` })));
  }

  const beganMs = performance.now();
  await using plan = runLinkspan(['plan', source.uri, destination.uri, '--output', 'json']);
  assert.equal((await plan.exit).code, 0, plan.stderr);
  const tookMs = performance.now() - beganMs;
  context.diagnostic(`${COLLECTIONS} collections were planned in ${(tookMs / 1000).toFixed(1)} s`);
  const { sizes, findings } = JSON.parse(plan.stdout);
  const found = (code: string) => findings.filter((finding: { code: string }) => finding.code === code);
  const incomplete = found('CHECK_INCOMPLETE').map(({ message }: { message: string }) => message);
  context.diagnostic(`not looked at in time: ${incomplete.join(' ') || 'nothing'}`);
  // The server counts a whole database in one command, which may exceed the time limit. The plan then reports it as not counted.
  assert.ok(
    incomplete.every((message: string) => message.includes('the size of all')),
    plan.stdout,
  );
  const atLimit = found('INDEXES_AT_LIMIT').map(({ namespace }: { namespace: string }) => namespace);
  assert.deepEqual(
    atLimit.sort(),
    planted.map((name) => `many.${name}`),
  );
  assert.equal(sizes.collections, COLLECTIONS);
  assert.ok(tookMs < PROMISED_MS, `it took ${tookMs} ms`);
});
