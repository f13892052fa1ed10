import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { cliBody, DESTINATION, progress } from '../../test/atlas-api/migration-world.ts';
import { type Started, start } from '../../test/atlas-api/started-migration.ts';
import { openPage, startBrowser } from '../../test/console/browser.ts';
import { buildConsole } from '../../test/console/built-console.ts';
import { enlarge, LARGE, RENDER_MIGRATION, reportMismatches } from '../../test/console/large-migration.ts';
import { signIn, startWithConsole } from '../../test/console/started-console.ts';
import { SOURCE, SOURCE_PROJECT } from '../../test/gateway/agent-client.ts';
import { measure, report, timed } from '../rounds.ts';

/**
 * `npm run bench:console [-- --rounds N]`: how long pages and answers take with 500 migrations, one of them with 5,000 collections and 10,000
 * documents that differed. An agent reports what no migration has done, so the records are the server's own. Browser, server and store share
 * the machine; each time ends with the browser's next frame.
 */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } });
const MIGRATIONS = 500;
const OF_A_PROJECT = 25;
const FILTER = 'invoices';
const GROUPS = '/api/atlas/v2/groups';

const PAINTED = 'new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))';
/** Runs in the page: waits until a condition holds, and what it is about is painted. */
const until = (condition: string) => `(async () => { while (!(${condition})) await ${PAINTED}; await ${PAINTED}; })()`;

using built = await buildConsole();
const { browser, skip } = await startBrowser();
assert.ok(browser, String(skip));
await using resources = new AsyncDisposableStack();
resources.defer(() => browser.close());
const plane = resources.use(await startWithConsole(built.path, { rateLimits: false }));
const started = await start(plane);
await fill(started);
await enlarge(started, plane.store);
await reportMismatches(started, LARGE.mismatches);
const watched = resources.use(await openPage(browser, plane.url));
const { page, faults } = watched;
await page.goto(plane.url);
await signIn(watched, plane.publicKey, plane.privateKey);
await page.evaluate(until(`document.querySelectorAll('.cards > li').length === ${MIGRATIONS}`));
const migration = `${started.path}/${started.id}`;
const answer = (name: string, path: string, items: number) => ({
  name,
  run: () =>
    timed(async () => {
      const { json } = await plane.api<{ results: unknown[] }>('GET', path);
      assert.equal(json.results.length, items);
    }),
});

const contenders = [
  {
    name: 'first paint of the sign-in page',
    run: async () => {
      await using visitor = await openPage(browser, plane.url);
      await visitor.page.goto(plane.url);
      return await firstPaint(visitor.page);
    },
  },
  {
    name: `list of ${MIGRATIONS} migrations, after a reload`,
    run: async () => {
      await page.goto(`${plane.url}/#/`);
      return await timed(async () => {
        await page.reload();
        await page.evaluate(until(`document.querySelectorAll('.cards > li').length === ${MIGRATIONS}`));
      });
    },
  },
  {
    name: `page of a migration with ${LARGE.collections} collections`,
    run: async () => {
      await page.goto(`${plane.url}/#/`);
      return await timed(openMigration);
    },
  },
  {
    name: 'filter of its collections',
    run: async () => {
      await page.goto(`${plane.url}/#/`);
      await openMigration();
      const filter = page.getByRole('searchbox');
      return await timed(async () => {
        await filter.fill(FILTER);
        await page.evaluate(until(`document.querySelector('.rows tbody th')?.textContent.includes('${FILTER}')`));
      });
    },
  },
  {
    name: `download of ${LARGE.mismatches} documents that differed`,
    run: async () => {
      await openMigration();
      return await timed(async () => {
        const downloading = page.waitForEvent('download');
        await page.getByRole('button', { name: 'as NDJSON' }).click();
        await (await downloading).path();
      });
    },
  },
  answer(
    `API: ${MIGRATIONS} migrations`,
    `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations?itemsPerPage=500`,
    MIGRATIONS,
  ),
  answer('API: 500 collections of 5,000', `${migration}/collections?itemsPerPage=500`, 500),
  answer('API: 500 documents of 10,000 that differed', `${migration}/mismatches?itemsPerPage=500&pageNum=20`, 500),
];
report('console and API at size', 1, 'times', await measure(contenders, Number(values.rounds)));
assert.deepEqual(faults, []);

async function openMigration(): Promise<void> {
  const path = `#/projects/${started.groupId}/migrations/${started.id}`;
  await page.evaluate(`(${RENDER_MIGRATION})(${JSON.stringify(path)})`);
}

/** Starts the other migrations, each with a destination of its own, in projects of a few. */
async function fill({ agent }: Started): Promise<void> {
  const deployments = Array.from({ length: MIGRATIONS }, (_, n) => ({
    ...SOURCE,
    name: n === 0 ? SOURCE.name : `source${n}`,
  }));
  await agent.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments }] });
  let groupId = '';
  for (let n = 1; n < MIGRATIONS; n += 1) {
    if (n % OF_A_PROJECT === 1) {
      const body = { name: `project${n}`, orgId: plane.orgId };
      groupId = String((await plane.api('POST', GROUPS, { body })).json.id);
    }
    const name = `cluster${n}`;
    const standard = DESTINATION.replace('@d1', `@${name}`);
    await plane.api('POST', `${GROUPS}/${groupId}/clusters`, { body: { name, connectionStrings: { standard } } });
    const body = cliBody(groupId, { source: { clusterName: `source${n}` }, destination: { clusterName: name } });
    const { json, text } = await plane.api('POST', `${GROUPS}/${groupId}/liveMigrations`, { body });
    assert.ok(json._id, text);
    const id = String(json._id);
    await agent.report({ migrations: [{ id, progress: progress(id, { lagSeconds: n % 40 }) }] });
  }
}

/** Returns the seconds from the navigation to the first contentful paint. */
async function firstPaint(of: Page): Promise<number> {
  const paint = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime`;
  await of.evaluate(until(`${paint} !== undefined`));
  return Number(await of.evaluate(paint)) / 1_000;
}
