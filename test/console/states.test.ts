import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dateOf } from '../../src/contract/index.ts';
import { violationsOf } from './axe.ts';
import { openPage, type PageOptions, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { ago, copied, ready, settled } from './scene-figures.ts';
import { MovedClock, play, playHome, SCENES, type Scene } from './scenes.ts';
import { signIn, startWithConsole } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

/** The places where the page differs: colours, and the widest and the narrowest screen. */
const LOOKS: readonly PageOptions[] = [
  {},
  { colours: 'dark' },
  { width: 360, height: 780 },
  { width: 3840, height: 2160 },
];

async function open(scene: Scene, look: PageOptions = {}) {
  assert.ok(browser);
  const resources = new AsyncDisposableStack();
  const clock = new MovedClock();
  const plane = resources.use(await startWithConsole(built.path, { clock, watchSourceMs: 3_600_000 }));
  const path = await play(scene, plane, clock);
  const watched = resources.use(await openPage(browser, plane.url, look));
  await watched.page.goto(plane.url + path);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await watched.page.getByRole('heading', { level: 1, name: 'orders → target' }).waitFor();
  return { ...watched, plane, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

for (const scene of SCENES) {
  test(`a migration that is ${scene.name} is shown as "${scene.word}", in words, for everybody`, { skip }, async () => {
    await using shown = await open(scene);
    const { page, faults } = shown;
    const headline = page.getByRole('status').filter({ hasText: `${scene.word}.` });
    await headline.waitFor();
    assert.ok((await headline.textContent())?.includes(scene.says), (await headline.textContent()) ?? '');
    assert.equal(await page.title(), `${scene.word}: orders → target · Linkspan`);
    assert.deepEqual(await violationsOf(shown), []);
    assert.deepEqual(faults, []);
  });
}

const FOCUSED = 'document.activeElement?.textContent';

const sceneOf = (name: string) => {
  const scene = SCENES.find((each) => each.name === name);
  assert.ok(scene);
  return scene;
};

for (const look of LOOKS) {
  const { width = 1280, colours = 'light' } = look;
  test(`the page fits ${width} pixels in ${colours} colours, and has enough contrast there`, { skip }, async () => {
    await using shown = await open(sceneOf('mismatches'), look);
    await shown.page.getByRole('heading', { name: 'Verification' }).waitFor();
    const tooWide = await shown.page.evaluate('document.documentElement.scrollWidth - innerWidth');
    assert.ok(Number(tooWide) <= 0, `${tooWide} pixels too wide`);
    assert.deepEqual(await violationsOf(shown), []);
  });
}

test('the list shows each migration with its state, its reason and the way to its page', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  await playHome(plane);
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(plane.url);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const copying = page.getByRole('listitem').filter({ hasText: 'orders → archive' });
  await copying.getByText('Copying', { exact: true }).waitFor();
  await copying.getByText('39 min', { exact: true }).waitFor();
  await page.getByRole('listitem').filter({ hasText: 'orders → target' }).getByText('already exists').waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  await page.keyboard.press('Tab');
  await page.getByRole('link', { name: 'orders → archive' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'orders → archive' }).waitFor();
  assert.deepEqual(faults, []);
});

test('the list follows a migration by a stream, and asks for it only once', { skip }, async () => {
  assert.ok(browser);
  const clock = new MovedClock();
  await using plane = await startWithConsole(built.path, { clock });
  await play(sceneOf('copying'), plane, clock);
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(plane.url);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const row = page.getByRole('listitem').filter({ hasText: 'orders → target' });
  await row.getByText('Copying', { exact: true }).waitFor();
  const projectsAsked = () => asked.filter((url) => url.includes('/groups?')).length;
  const before = projectsAsked();
  const [migration] = await plane.store.find('migrations', { isActive: true });
  assert.ok(migration);
  const order = { ...migration.state.order, wanted: 'CANCELLED' as const };
  const state = { ...migration.state, order };
  await plane.store.write((transaction) => transaction.update('migrations', { ...migration, state }));
  await row.getByText('Cancelling', { exact: true }).waitFor();
  await page.waitForRequest((request) => request.url().includes('/groups?'));
  assert.ok(projectsAsked() > before, 'the page has asked for projects again');
  assert.equal(asked.filter((url) => url.includes('/liveMigrations?')).length, 1);
  assert.deepEqual(faults, []);
});

test('a cutover asks for a review, for applications that are ready, and for the name of the destination', {
  skip,
}, async () => {
  await using shown = await open(sceneOf('ready'));
  const { page, plane, faults } = shown;
  const opener = page.getByRole('button', { name: 'Cut over…' });
  await opener.click();
  const dialog = page.getByRole('dialog', { name: 'Cut over from orders to target' });
  await dialog.getByText('A transaction of reporting has been open for 14 s.').waitFor();
  // The audit has them.
  await page.getByText('LIVE_MIGRATION_CREATED').waitFor({ state: 'attached' });
  assert.deepEqual(await violationsOf(shown), []);
  const go = dialog.getByRole('button', { name: 'Stop writes and cut over' });
  await dialog.getByLabel('Type target to confirm').fill('archive');
  assert.ok(await go.isDisabled());
  await dialog.getByLabel('Type target to confirm').fill('target');
  await go.click();
  const wanted = async () => {
    const [migration] = await plane.store.find('migrations', { isActive: true });
    return migration?.state.order.wanted;
  };
  assert.equal(await wanted(), 'RUNNING', 'the applications are not ready yet');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(FOCUSED), 'Cut over…', 'the focus returns');

  await opener.click();
  await dialog.getByLabel('My applications are ready').check();
  await dialog.getByLabel('Type target to confirm').fill('target');
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: 'Cutting over.' }).waitFor();
  assert.equal(await wanted(), 'CUTOVER');
  await page.getByRole('button', { name: 'Abort' }).click();
  await page
    .getByText('The abort is on its way to the agent.')
    .or(page.getByText('Ready to cut over.'))
    .first()
    .waitFor();
  assert.equal(await wanted(), 'RUNNING');
  assert.deepEqual(faults, []);
});

test('the charts show what happened before the page was opened', { skip }, async () => {
  const play: Scene['play'] = async (shop, plane, clock) => {
    clock.offsetMs = -10 * 60_000;
    await sceneOf('catching up').play(shop, plane, clock);
    clock.offsetMs = 0;
    await sceneOf('ready').play(shop, plane, clock);
  };
  await using shown = await open({ ...sceneOf('ready'), play });
  await shown.page.getByText('As a table').first().click();
  await shown.page.getByRole('cell', { name: '41 s', exact: true }).first().waitFor();
  assert.deepEqual(shown.faults, []);
});

test('a cutover has no date from an attempt that was aborted', { skip }, async () => {
  const play: Scene['play'] = async (shop) => {
    const [from, to] = [dateOf(ago(20)), dateOf(ago(19))];
    const aborted = [
      { name: 'CUTOVER', startedAt: from, endedAt: to },
      { name: 'FOLLOWING', startedAt: to },
    ] as const;
    await shop.report({ ...copied, phases: [...(copied.phases ?? []), ...aborted] });
  };
  await using shown = await open({ ...sceneOf('catching up'), play });
  const step = shown.page.getByRole('list', { name: 'Phases' }).getByRole('listitem').last();
  await step.getByText('Cut over').waitFor();
  assert.equal(await step.textContent(), 'Cut over');
  assert.deepEqual(shown.faults, []);
});

test('what limits the speed is a bar, and the same as a table with words', { skip }, async () => {
  await using shown = await open(sceneOf('copying'));
  const { page } = shown;
  await page.getByRole('img', { name: /^What the time went to: .*Writing to the destination 61 %/ }).waitFor();
  const rows = await page
    .getByRole('row')
    .filter({ has: page.locator('.share') })
    .allTextContents();
  assert.deepEqual(rows, [
    ' Reading from the source22 %',
    ' Writing to the destination61 %',
    ' Computing on the agent9 %',
    ' Limit of the copy rate0 %',
    ' Waiting for memory0 %',
    ' Nothing to do8 %',
  ]);
  await page.getByText('The destination takes writes slowly.').waitFor();
});

test('what limits the speed is not shown for an agent that is silent', { skip }, async () => {
  await using shown = await open(sceneOf('host lost'));
  await shown.page.getByRole('heading', { name: 'Changes' }).waitFor();
  assert.equal(await shown.page.getByRole('heading', { name: 'What limits it' }).count(), 0);
});

/** The limits of a comparison's result, and the words for them. */
const RESERVATIONS = [
  [{ seesExternalWrites: false }, 'No difference, unless others wrote to the destination'],
  [{ cappedUncertain: ['shop.log'] }, 'No difference, except perhaps in capped collections'],
] as const;

for (const [limit, verdict] of RESERVATIONS) {
  test(`a comparison with a reservation is shown as "${verdict}"`, { skip }, async () => {
    const play: Scene['play'] = ({ report }) => report({ ...ready, verification: { ...settled, ...limit } });
    await using shown = await open({ ...sceneOf('ready'), play });
    await shown.page.getByText(verdict).waitFor();
  });
}

test('a migration that its agent leaves out of its reports is not shown as ready', { skip }, async () => {
  const play: Scene['play'] = async (started, plane, clock) => {
    await sceneOf('host lost').play(started, plane, clock);
    await started.agent.report({ takenOver: [started.id] });
  };
  await using shown = await open({ ...sceneOf('ready'), play });
  await shown.page.getByRole('status').filter({ hasText: 'Agent lost.' }).waitFor();
  await shown.page.getByText('it is heard, but it has not reported this migration since').first().waitFor();
});

test('a migration that its restarted agent resumes is shown as waiting, neither as lost nor as ready', {
  skip,
}, async () => {
  const play: Scene['play'] = async (started, plane, clock) => {
    await sceneOf('host lost').play(started, plane, clock);
    await started.agent.report({});
  };
  await using shown = await open({ ...sceneOf('ready'), play });
  await shown.page.getByRole('status').filter({ hasText: 'Waiting.' }).waitFor();
  await shown.page.getByText('Resuming this migration').waitFor();
  assert.equal(await shown.page.getByRole('button', { name: 'Cut over' }).isEnabled(), false);
});

test('the shards of a source are a table, and one that cannot be read says why', { skip }, async () => {
  await using shown = await open(sceneOf('mismatches'));
  const { page, faults } = shown;
  const row = (name: string) => page.getByRole('table', { name: 'Shards of the source' }).getByRole('row', { name });
  await row('rs-amsterdam').getByText('1 d 16 h').waitFor();
  await row('rs-amsterdam').getByText('4,812/s').waitFor();
  await row('rs-dublin').getByText('the user cannot log in there').waitFor();
  await page.getByText('Not known: not all shards can be read.').waitFor();
  assert.deepEqual(faults, []);
});

test('a session without the role to change migrations sees no buttons for it', { skip }, async () => {
  assert.ok(browser);
  const clock = new MovedClock();
  await using plane = await startWithConsole(built.path, { clock });
  const path = await play(sceneOf('ready'), plane, clock);
  const keys = `/api/atlas/v2/orgs/${plane.orgId}/apiKeys`;
  const made = await plane.api('POST', keys, { body: { desc: 'reader', roles: ['ORG_READ_ONLY'] } });
  await using watched = await openPage(browser, plane.url);
  await watched.page.goto(plane.url + path);
  await signIn(watched, String(made.json.publicKey), String(made.json.privateKey));
  await watched.page.getByRole('heading', { name: 'Can I cut over?' }).waitFor();
  const names = await watched.page.getByRole('button').allTextContents();
  assert.deepEqual(names, ['Sign out']);
  assert.deepEqual(watched.faults, []);
});

test('what users type stands out in a remedy', { skip }, async () => {
  await using shown = await open(sceneOf('failed'));
  await shown.page
    .getByRole('code')
    .filter({ hasText: /^excludeNamespaces$/ })
    .first()
    .waitFor();
});

test('no backtick of a text of the server is shown', { skip }, async () => {
  await using shown = await open(sceneOf('failed'));
  const { page } = shown;
  await page.getByRole('status').getByRole('code').getByText('excludeNamespaces').waitFor();
  await page.goto(`${shown.plane.url}/#/`);
  await page.getByRole('listitem').getByRole('code').getByText('excludeNamespaces').waitFor();
});

test('the phase in which a migration fails ends with it', { skip }, async () => {
  await using shown = await open(sceneOf('failed'));
  await shown.page
    .getByRole('list', { name: 'Phases' })
    .getByText(/1 h [45]\d min/)
    .waitFor();
});

test('a cancelled migration says why once, without an error', { skip }, async () => {
  await using shown = await open(sceneOf('cancelled'));
  await shown.page.getByRole('heading', { name: 'Events' }).waitFor();
  assert.equal(await shown.page.getByText('The migration was cancelled').count(), 1);
});

test('panels of the source fill the row, with and without a verification beside them', { skip }, async () => {
  for (const name of ['created', 'mismatches']) {
    await using shown = await open(sceneOf(name));
    const right = async (heading: string) => {
      const panel = shown.page.getByRole('region', { name: heading }).first();
      const box = await panel.boundingBox();
      return Math.round((box?.x ?? 0) + (box?.width ?? 0));
    };
    await shown.page.getByRole('heading', { name: 'Events' }).waitFor();
    assert.equal(await right('Load'), await right('Events'), name);
  }
});

test('the focus stays where it is while updates arrive', { skip }, async () => {
  await using shown = await open(sceneOf('ready'));
  const pause = shown.page.getByRole('button', { name: 'Pause' });
  await pause.focus();
  const { plane } = shown;
  const [migration] = await plane.store.find('migrations', { isActive: true });
  assert.ok(migration?.progress);
  const progress = { ...migration.progress, changes: { ...migration.progress.changes, queued: 777 } };
  await plane.store.write((transaction) => transaction.update('migrations', { ...migration, progress }));
  await shown.page.getByText('777 queued').waitFor();
  assert.equal(await shown.page.evaluate(FOCUSED), 'Pause');
});

test('a page that hears nothing from the server says so, and is current again when it answers', { skip }, async () => {
  await using shown = await open(sceneOf('copying'));
  const { page, context, plane } = shown;
  await page.clock.install();
  await context.setOffline(true);
  // A browser without a network keeps the stream that it has, and so hears the server all the same.
  plane.app.server.closeAllConnections();
  await page.clock.fastForward(40_000);
  await page.getByRole('alert').getByText('No word from the server').waitFor();
  await context.setOffline(false);
  await page.clock.fastForward(10_000);
  await page.getByRole('alert').getByText('No word from the server').waitFor({ state: 'detached' });
});

test('where no stream passes, the page asks again and again', { skip }, async () => {
  assert.ok(browser);
  const clock = new MovedClock();
  await using plane = await startWithConsole(built.path, { clock });
  const path = await play(sceneOf('ready'), plane, clock);
  await using watched = await openPage(browser, plane.url);
  const { page } = watched;
  await page.route('**/liveMigrations/*', async (route) => {
    const accepts = await route.request().headerValue('accept');
    if (accepts === 'text/event-stream') await route.abort();
    else await route.continue();
  });
  await page.goto(plane.url + path);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await page.getByRole('status').filter({ hasText: 'Ready to cut over.' }).waitFor();
  const [migration] = await plane.store.find('migrations', { isActive: true });
  assert.ok(migration);
  await plane.store.write((transaction) =>
    transaction.update('migrations', {
      ...migration,
      state: { ...migration.state, order: { ...migration.state.order, wanted: 'PAUSED' } },
    }),
  );
  await page.getByRole('status').filter({ hasText: 'Pausing.' }).waitFor();
});
