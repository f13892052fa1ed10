import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, DESTINATION, prepare, progress } from '../atlas-api/migration-world.ts';
import type { AgentClient } from '../gateway/agent-client.ts';
import { openPage, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { signIn, startWithConsole } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

/** More than the six connections that a browser opens to a server. */
const PROJECTS = 7;
const GROUPS = '/api/atlas/v2/groups';

/** Creates a project with a migration. @returns the id of the migration */
async function migrateInto(plane: ControlPlane, name: string): Promise<string> {
  const group = await plane.api('POST', GROUPS, { body: { name, orgId: plane.orgId } });
  const path = `${GROUPS}/${group.json.id}`;
  // Each has a destination of its own, because a running migration keeps others out.
  const standard = DESTINATION.replace('@d1', `@${name}`);
  await plane.api('POST', `${path}/clusters`, { body: { name, connectionStrings: { standard } } });
  const body = cliBody(String(group.json.id), { destination: { clusterName: name } });
  const { json } = await plane.api('POST', `${path}/liveMigrations`, { body });
  return String(json._id);
}

const report = (agent: AgentClient, id: string, changes: Parameters<typeof progress>[1]) =>
  agent.report({ migrations: [{ id, progress: progress(id, changes) }] });

test('the list of migrations follows seven projects by one stream, and projects that come later', {
  skip,
}, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  const { agent } = await prepare(plane);
  for (let nth = 1; nth < PROJECTS; nth += 1) {
    const id = await migrateInto(plane, `ended${nth}`);
    await report(agent, id, { state: 'FAILED', error: { code: 'X', message: 'It failed.', remedy: 'Fix it.' } });
  }
  const running = await migrateInto(plane, 'running');
  await report(agent, running, { lagSeconds: 11 });

  await using watched = await openPage(browser, plane.url);
  const { page } = watched;
  const asked: (string | undefined)[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/liveMigrations')) asked.push(request.headers().accept);
  });
  await page.goto(plane.url);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const cards = page.locator('.cards > li');
  await cards.nth(PROJECTS - 1).waitFor();
  assert.equal(await cards.count(), PROJECTS);
  await cards.first().getByText('11 s', { exact: true }).waitFor();

  await report(agent, running, { lagSeconds: 42 });
  await cards.first().getByText('42 s', { exact: true }).waitFor();
  await report(agent, running, { state: 'FAILED', error: { code: 'X', message: 'It failed.', remedy: 'Fix it.' } });
  await migrateInto(plane, 'later');
  await cards.nth(PROJECTS).waitFor();
  await cards.first().getByText('later', { exact: true }).waitFor();
  assert.deepEqual(asked, ['text/event-stream']);

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Projects' }).click();
  await page.getByText('ended1', { exact: true }).first().waitFor();
  assert.deepEqual(watched.faults, []);
});
