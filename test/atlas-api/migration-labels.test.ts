import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControlPlane } from './control-plane.ts';
import { cliBody, prepare } from './migration-world.ts';
import { start } from './started-migration.ts';

interface Listed {
  readonly results: readonly { readonly _id: string }[];
  readonly totalCount: number;
  readonly links: readonly { readonly href: string; readonly rel: string }[];
}

const idsOf = (list: Listed | undefined) => list?.results.map(({ _id }) => _id);

test('labels and a note are given with a migration, replaced later, also after its end, and audited', async () => {
  await using plane = await startControlPlane();
  const { groupId, path } = await prepare(plane);
  const linkspan = { labels: { team: 'payments', 'example.com/wave': '1' }, note: 'after the audit' };
  const created = await plane.api('POST', path, { body: cliBody(groupId, { linkspan }) });
  assert.equal(created.status, 201);
  const one = `${path}/${created.json._id}`;
  const show = async () => (await plane.api('GET', one)).json.linkspan as Record<string, unknown>;
  assert.deepEqual([(await show()).labels, (await show()).note], [linkspan.labels, linkspan.note]);

  await plane.api('PUT', `${one}/cancel`, { body: { dropCopiedData: false } });
  const body = { labels: { team: 'search' } };
  assert.equal((await plane.api('PUT', `${one}/labels`, { body })).status, 200);
  assert.deepEqual([(await show()).labels, (await show()).note], [body.labels, linkspan.note], 'the note stays');
  await plane.api('PUT', `${one}/labels`, { body: { labels: {}, note: null } });
  assert.deepEqual([(await show()).labels, (await show()).note], [{}, null]);

  const events = await plane.api('GET', `/api/atlas/v2/groups/${groupId}/events?eventType=LIVE_MIGRATION_LABELS_SET`);
  const [, second] =
    (events.json as { readonly results?: { readonly linkspan: { readonly details: object } }[] }).results ?? [];
  assert.deepEqual(second?.linkspan.details, { liveMigrationId: created.json._id, labels: ['team=search'] });
});

test('labels are refused by name when a name has another form, a value is too long, or there are too many', async () => {
  await using plane = await startControlPlane();
  const { ask } = await start(plane);
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`l${n}`, '']));
  for (const labels of [
    { '-team': 'x' },
    { 'te am': 'x' },
    { ['x'.repeat(64)]: 'x' },
    { team: 'x'.repeat(256) },
    many,
  ]) {
    const refused = await ask('labels', { labels });
    assert.deepEqual([refused.status, /labels/.test(String(refused.json.detail))], [400, true], JSON.stringify(labels));
  }
});

test('lists of migrations are filtered by status, clusters and labels, newest first, and refuse what they do not know', async () => {
  await using plane = await startControlPlane();
  const { groupId, path } = await prepare(plane);
  const create = async (clusterName: string, labels: object) => {
    const body = cliBody(groupId, { destination: { clusterName }, linkspan: { labels } });
    const { json } = await plane.api('POST', path, { body });
    return String(json._id);
  };
  const first = await create('C1', { team: 'payments', wave: '1' });
  await plane.api('PUT', `${path}/${first}/cancel`, { body: { dropCopiedData: false } });
  const second = await create('C2', { team: 'payments', wave: '2' });
  const listed = async (query: string) => {
    const lists = [path, `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations`];
    const [ofGroup, ofOrganization] = await Promise.all(
      lists.map(async (list) => (await plane.api('GET', `${list}?${query}`)).json as unknown as Listed),
    );
    assert.deepEqual(idsOf(ofGroup), idsOf(ofOrganization));
    return ofGroup as Listed;
  };
  const ids = async (query: string) => idsOf(await listed(query));
  assert.deepEqual(await ids(''), [second, first]);
  assert.deepEqual(await ids('label=team=payments'), [second, first]);
  assert.deepEqual(await ids('label=team&label=wave=1'), [first]);
  assert.deepEqual(await ids('label=team=search'), []);
  assert.deepEqual(await ids('label=constructor'), []);
  assert.deepEqual(await ids('status=FAILED'), [first]);
  assert.deepEqual(await ids('status=NEW,FAILED'), [second, first]);
  assert.deepEqual(await ids('destination=C2&source=source'), [second]);
  assert.deepEqual(await ids('source=other'), []);
  const page = await listed('label=team=payments&itemsPerPage=1');
  assert.deepEqual([page.results.length, page.totalCount], [1, 2]);
  assert.match(page.links.find(({ rel }) => rel === 'next')?.href ?? '', /[?&]label=team%3Dpayments&/);
  for (const query of ['status=DONE', 'state=FAILED', 'labels=team']) {
    const { status, json } = await plane.api('GET', `${path}?${query}`);
    assert.deepEqual([status, json.errorCode], [400, 'INVALID_QUERY_PARAMETER'], query);
  }
});
