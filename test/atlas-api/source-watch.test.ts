import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf } from '../../src/contract/index.ts';
import { keepExpiring } from '../../src/control/index.ts';
import { wantedState } from '../../src/link/index.ts';
import { silentLogger } from '../../src/platform/index.ts';
import { linkAgent } from '../gateway/agent-client.ts';
import { type Page, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { start } from './started-migration.ts';

/** A position at the time of the clock. */
const TOKEN = `82${(new FakeClock().nowMs / 1_000).toString(16).toUpperCase()}${'0'.repeat(8)}2B`;
const WATCH_START = {
  token: TOKEN,
  sourceId: '5e'.repeat(12),
  accounts: { user: 'one', role: 'another' },
  rawData: true,
} as const;
const HOUR_MS = 3_600_000;
const COMMITTED = {
  state: 'COMMITTED',
  canWrite: true,
  cutover: { requestedAt: dateOf(0), blocking: true, watchStart: WATCH_START },
} as const;

/** A migration that has committed on a control plane that watches sources for an hour. */
async function committed(changes: object = {}) {
  const clock = new FakeClock();
  const plane = await startControlPlane({ clock, watchSourceMs: HOUR_MS });
  const started = await start(plane);
  await started.report({});
  await started.report({ ...COMMITTED, ...changes });
  const wanted = async () => wantedState.parse((await started.agent.poll(null)).json);
  const password = async () => (await plane.store.get('migrations', started.id))?.password ?? null;
  return { ...started, clock, plane, wanted, password, [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose]() };
}

test('the agent gets the watch with the password of the source, and the password is gone when the watch has ended', async () => {
  await using shop = await committed();
  const { agent, id, show } = shop;
  const { watches, migrations, revision } = await shop.wanted();
  assert.deepEqual(migrations, []);
  assert.deepEqual(
    watches.map(({ source, ...watch }) => ({ ...watch, password: source.password })),
    [
      {
        id,
        password: 'source-canary',
        watch: {
          ...WATCH_START,
          until: dateOf(shop.clock.nowMs + HOUR_MS),
          watchedTo: dateOf(shop.clock.nowMs),
          changes: 0,
          namespaces: [],
        },
      },
    ],
  );
  const next = {
    ...WATCH_START,
    token: `${TOKEN}00`,
    until: dateOf(0),
    watchedTo: dateOf(shop.clock.nowMs + 1000),
    changes: 2,
    namespaces: ['shop.items'],
  };
  await agent.report({ watches: [{ id, watch: next }] });
  const resumed = await shop.wanted();
  assert.deepEqual(resumed.watches[0]?.watch, { ...next, until: dateOf(shop.clock.nowMs + HOUR_MS) });
  assert.equal(resumed.revision, revision, 'how far a watch is must not wake the agent');
  const { sourceWatch, warnings } = (await show()).linkspan;
  assert.deepEqual((sourceWatch as { changes: number }).changes, 2);
  assert.match((warnings as string[])[0] ?? '', /2 changes in shop\.items/);
  const { problems } = (await show()).linkspan as { problems?: { code: string; message: string }[] };
  assert.deepEqual(
    problems?.map(({ code, message }) => [code, message]),
    [['SOURCE_WRITTEN_AFTER_COMMIT', (warnings as string[])[0]]],
  );
  await agent.report({ watches: [{ id, watch: { ...next, changes: 0, ended: 'over' } }] });
  assert.deepEqual((await shop.wanted()).watches, []);
  assert.equal(await shop.password(), null);
  await agent.report({ watches: [{ id, watch: { ...next, changes: 9 } }] });
  assert.equal(((await show()).linkspan.sourceWatch as { changes: number }).changes, 2);
});

test('a source that is not blocked is not watched', async () => {
  await using shop = await committed({ cutover: { requestedAt: dateOf(0), blocking: false } });
  assert.equal((await shop.show()).status, 'COMPLETE');
  assert.deepEqual([(await shop.wanted()).watches, await shop.password()], [[], null]);
});

test('a watch whose agent is never heard of again ends, and the password with it', async () => {
  await using shop = await committed();
  shop.clock.nowMs += HOUR_MS + 10 * 60_000;
  const stop = new AbortController();
  const expiring = keepExpiring(shop.plane.control, silentLogger, stop.signal);
  stop.abort();
  await expiring;
  const { ended } = (await shop.show()).linkspan.sourceWatch as { ended: string };
  assert.match(ended, /^its agent has not reported since it watched until 2026-11-01T12:00:00\.000Z$/);
  assert.equal(await shop.password(), null);
});

test('another agent cannot report a watch, and a malformed one does not hold up the report', async () => {
  await using shop = await committed();
  const { agent, id } = shop;
  const answer = await agent.report({ watches: [{ id, watch: { token: 'x' } }] });
  assert.equal(answer.status, 200);
  const other = await linkAgent(shop.plane, 'host-2');
  const watch = { token: TOKEN, until: dateOf(0), watchedTo: dateOf(0), changes: 5, namespaces: [] };
  assert.equal((await other.report({ watches: [{ id, watch }] })).status, 200);
  assert.equal(((await shop.show()).linkspan.sourceWatch as { changes: number }).changes, 0);
});

test('an agent that replaces the watching one resumes the watch, with the password of the source', async () => {
  await using shop = await committed();
  const { agent, id } = shop;
  const next = {
    sourceId: WATCH_START.sourceId,
    token: `${TOKEN}00`,
    until: dateOf(0),
    watchedTo: dateOf(shop.clock.nowMs + 1000),
  };
  await agent.report({ watches: [{ id, watch: { ...next, changes: 2, namespaces: ['shop.items'] } }] });
  const successor = await linkAgent(shop.plane, 'host-1');
  assert.equal((await agent.poll(null)).json.errorCode, 'AGENT_SUPERSEDED');
  const [wanted] = wantedState.parse((await successor.poll(null)).json).watches;
  assert.deepEqual([wanted?.id, wanted?.source.password, wanted?.watch.token], [id, 'source-canary', next.token]);
  await successor.report({ watches: [{ id, watch: { ...next, changes: 3, namespaces: [], ended: 'over' } }] });
  const { changes, ended } = (await shop.show()).linkspan.sourceWatch as { changes: number; ended: string };
  assert.deepEqual([changes, ended, await shop.password()], [3, 'over', null]);
});

for (const [what, reason] of [
  ['revoked', 'the link of its agent was revoked after it watched until'],
  ['deleted', 'the link of its agent was deleted after it watched until'],
  ['unlinked', 'its migration host was unlinked after it watched until'],
] as const) {
  test(`a watch ends at once when the link of its agent is ${what}, and the API says so`, async () => {
    await using shop = await committed();
    const { plane, agent } = shop;
    const links = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`;
    if (what === 'revoked') {
      const [link] = (await plane.api<Page<{ id: string }>>('GET', links)).json.results;
      assert.equal((await plane.api('DELETE', `${links}/${link?.id}`)).status, 204);
    } else if (what === 'deleted') {
      const answer = await plane.api('DELETE', `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`);
      assert.equal(answer.status, 204);
    } else {
      assert.equal((await agent.send('unlink', {})).json.ended, true);
    }
    const shown = await shop.show();
    const { ended } = shown.linkspan.sourceWatch as { ended: string };
    assert.equal(ended, `${reason} 2026-11-01T12:00:00.000Z`);
    assert.deepEqual([shown.status, await shop.password()], ['COMPLETE', null]);
    const events = `/api/atlas/v2/orgs/${plane.orgId}/events?eventType=LIVE_MIGRATION_SOURCE_WATCH_LOST`;
    assert.equal((await plane.api<Page<unknown>>('GET', events)).json.results.length, 1);
  });
}
