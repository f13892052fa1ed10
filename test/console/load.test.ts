import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { verificationProgress } from '../../src/engine/report/verification-progress.ts';
import { progress } from '../atlas-api/migration-world.ts';
import { start } from '../atlas-api/started-migration.ts';
import { eventually } from '../support/eventually.ts';
import { openPage, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { signIn, startWithConsole } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

test('level and rate limit can be set after the copy, and the page says what they hold for', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  const { groupId, id, agent, show } = await start(plane);
  const report = (state: 'COPYING' | 'FOLLOWING', phase: 'WAITING' | 'COMPARING' | 'FOLLOWING') => {
    const verification = { ...verificationProgress('REPAIR'), phase };
    return agent.report({ migrations: [{ id, progress: progress(id, { state, verification }) }] });
  };
  await report('COPYING', 'WAITING');
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/projects/${groupId}/migrations/${id}`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await page.getByText('Both hold for the copy, and for the comparison after it.').waitFor();
  await report('FOLLOWING', 'COMPARING');
  await page.getByText('Both hold for the comparison.').waitFor();
  await page.getByLabel('Rate limit').fill('25');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  const isSet = async () => (await show()).linkspan.maxMegabytesPerSecond === 25;
  await eventually(isSet, { what: 'the rate limit to be set' });
  await report('FOLLOWING', 'FOLLOWING');
  await page.getByText('Both hold only for collections that are copied or compared again.').waitFor();
  await page.getByRole('slider', { name: 'Load level' }).waitFor();
  assert.deepEqual(faults, []);
});
