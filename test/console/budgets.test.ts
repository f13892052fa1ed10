import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Clock, systemClock } from '../../src/platform/index.ts';
import { progress } from '../atlas-api/migration-world.ts';
import { start } from '../atlas-api/started-migration.ts';
import { openPage, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { enlarge, LARGE, RENDER_MIGRATION } from './large-migration.ts';
import { manyCollections } from './reported-collections.ts';
import { signIn, startWithConsole } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

const RENDERED_WITHIN_MS = 200;
const RUNS = 9;

/** The number of updates that a page gets in a minute. */
const UPDATES = 60;
/** Growth that no longer is noise: an object that each update leaves behind is more in a few minutes. */
const MOST_GROWN_BYTES = 400_000;

/** Lets the server look for updates twenty times as often, so that a minute of them takes seconds. */
const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) };

/** Starts a migration with thousands of collections and a day of samples. */
async function startLarge() {
  await using resources = new AsyncDisposableStack();
  const plane = resources.use(await startWithConsole(built.path, { clock: hurried }));
  const started = await start(plane);
  await enlarge(started, plane.store);
  const kept = resources.move();
  return { plane, started, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Opens the console on its first page, signed in. */
async function openConsole({ plane, started }: Awaited<ReturnType<typeof startLarge>>) {
  assert.ok(browser);
  const watched = await openPage(browser, plane.url);
  await watched.page.goto(plane.url);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await watched.page.getByRole('heading', { level: 1, name: 'Migrations' }).waitFor();
  return { ...watched, path: `#/projects/${started.groupId}/migrations/${started.id}` };
}

test(`the page of a migration with ${LARGE.collections} collections and a day of samples takes the browser less than ${RENDERED_WITHIN_MS} ms`, {
  skip,
}, async () => {
  await using large = await startLarge();
  await using opened = await openConsole(large);
  const { page, path, context } = opened;
  const devtools = await context.newCDPSession(page);
  // Time of the processor: other programs of the machine don't count.
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const workedMs = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN);
  };
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const beforeMs = await workedMs();
    await page.evaluate(`(${RENDER_MIGRATION})(${JSON.stringify(path)})`);
    times.push((await workedMs()) - beforeMs);
    await page.evaluate(`location.hash = '#/'`);
    await page.getByRole('heading', { level: 1, name: 'Migrations' }).waitFor();
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.POSITIVE_INFINITY;
  assert.ok(median < RENDERED_WITHIN_MS, `${times.map(Math.round).join(', ')} ms`);
});

test('a page that is updated for minutes does not grow', { skip }, async () => {
  await using large = await startLarge();
  await using opened = await openConsole(large);
  const { page, path, context } = opened;
  await page.evaluate(`location.hash = ${JSON.stringify(path)}`);
  await page.getByText('shop.orders', { exact: true }).waitFor();
  const devtools = await context.newCDPSession(page);
  const { agent, id } = large.started;
  const all = manyCollections(LARGE.collections);
  let updates = 0;
  const updateForAMinute = async () => {
    for (let update = 0; update < UPDATES; update += 1) {
      updates += 1;
      const changes = { read: updates, applied: updates, duringCopy: 0, queued: updates };
      const [largest] = all.map((one) => ({ ...one, documentsCopied: updates }));
      const collections = {
        series: 'c'.repeat(24),
        part: 4 + updates,
        total: all.length,
        changed: [largest],
        removed: [],
      };
      const entry = { id, progress: progress(id, { state: 'COPYING', changes }), lists: { collections } };
      await agent.report({ migrations: [entry] });
      await page.getByText(`${updates} queued`, { exact: true }).waitFor();
    }
  };
  const size = async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize } = await devtools.send('Runtime.getHeapUsage');
    const { nodes, jsEventListeners } = await devtools.send('Memory.getDOMCounters');
    return { usedSize, nodes, jsEventListeners };
  };
  await updateForAMinute();
  const before = await size();
  await updateForAMinute();
  await updateForAMinute();
  const after = await size();
  const sizes = JSON.stringify({ before, after });
  assert.ok(after.usedSize - before.usedSize < MOST_GROWN_BYTES, sizes);
  assert.ok(after.nodes <= before.nodes + 20, sizes);
  assert.ok(after.jsEventListeners <= before.jsEventListeners + 2, sizes);
  assert.deepEqual(opened.faults, []);
});
