import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditRecordsAfter, lastAuditRecord } from '../../src/control/index.ts';
import { loadSigningKey, MOST_REQUESTS, newSigningKey, ReplayGuard } from '../../src/link/index.ts';
import { keptLog } from '../control/audit/kept-log.ts';
import { AgentClient, createToken, linkAgent } from '../gateway/agent-client.ts';
import { addOrganization, type ControlPlane, type Page, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';

const ORGS = '/api/atlas/v2/orgs';
const CLIENT = `mdb_sa_id_${'0a'.repeat(12)}`;
const SECRET = 'canary_client_secret_of_this_test_00000000';

interface Shown {
  readonly eventTypeName: string;
  readonly remoteAddress?: string;
  readonly publicKey?: string;
  readonly targetPublicKey?: string;
  readonly linkspan: { readonly actorKind: string; readonly details: Record<string, unknown> };
}

/** The organization's events of one type, as the API shows them. */
async function eventsOf(plane: ControlPlane, type: string): Promise<readonly Shown[]> {
  const path = `/api/atlas/v2/orgs/${plane.orgId}/events?eventType=${type}`;
  return (await plane.api<Page<Shown>>('GET', path)).json.results;
}

/** Sends one signed request twice. */
async function replayOf(agent: AgentClient, url: string): Promise<void> {
  const sent: RequestInit[] = [];
  const { fetch: send } = globalThis;
  globalThis.fetch = (url, init) => {
    sent.push(init ?? {});
    return send(url, init);
  };
  try {
    await agent.report({});
  } finally {
    globalThis.fetch = send;
  }
  await fetch(`${url}/link/v1/report`, sent[0]);
}

// id: refused-attempts-logged
test('each kind of refused attempt leaves one log line and one event with its address and without a secret', async () => {
  const log = keptLog();
  const clock = new FakeClock();
  const bootstrapping = { serviceAccount: { clientId: CLIENT, secret: SECRET } };
  await using plane = await startControlPlane({ clock, logger: log.logger, bootstrapping });
  const elsewhere = await addOrganization(plane, plane.orgId, ['ORG_MEMBER'], ['192.0.2.1']);
  const member = await addOrganization(plane, plane.orgId, ['ORG_MEMBER']);
  const key = loadSigningKey(newSigningKey());
  const token = await createToken(plane);
  const linked = await linkAgent(plane);
  const now = () => clock.now();
  const forger = new AgentClient(plane.url, key, now);
  Object.assign(forger, { agentId: linked.agentId, audience: linked.audience });
  const basic = (secret: string) => ({
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${CLIENT}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });
  const bearer = (value: string) => fetch(plane.url + ORGS, { headers: { authorization: `Bearer ${value}` } });

  /** A refused attempt and its event: type, reason and further fields. */
  const kinds: [send: () => Promise<unknown>, type: string, reason: string, more: Record<string, unknown>][] = [
    [
      () => plane.api('GET', ORGS, { user: [plane.publicKey, 'canary-wrong-private-key'] }),
      'API_KEY_AUTHENTICATION_FAILED',
      'wrong credentials',
      { targetPublicKey: plane.publicKey },
    ],
    [
      () => plane.api('GET', ORGS, { user: elsewhere }),
      'API_KEY_ADDRESS_REFUSED',
      'IP_ADDRESS_NOT_ON_ACCESS_LIST',
      { publicKey: elsewhere[0] },
    ],
    [
      () =>
        plane.api('POST', `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`, { user: member, body: {} }),
      'API_REQUEST_UNAUTHORIZED',
      'NOT_ORG_OWNER',
      { publicKey: member[0] },
    ],
    [
      () => fetch(`${plane.url}/api/oauth/token`, basic('canary-wrong-client-secret')),
      'SERVICE_ACCOUNT_AUTHENTICATION_FAILED',
      'wrong client secret',
      { clientId: CLIENT },
    ],
    [
      async () => {
        await new AgentClient(plane.url, undefined, now).redeem(token, 'host-2');
        await new AgentClient(plane.url, undefined, now).redeem(token, 'host-3');
      },
      'LINK_TOKEN_REFUSED',
      'LINK_TOKEN_USED',
      { linkTokenId: token.split('_')[1] },
    ],
    [() => forger.report({}), 'AGENT_AUTHENTICATION_FAILED', 'PROOF_WRONG', { agentId: linked.agentId }],
    [() => replayOf(linked, plane.url), 'AGENT_REQUEST_REPLAYED', 'REQUEST_REPLAYED', { agentId: linked.agentId }],
  ];
  for (const [send, type, reason, more] of kinds) {
    const before = log.lines.length;
    await send();
    await plane.control.security.flush();
    const lines = log.lines.slice(before).filter((line) => 'securityEvent' in line);
    assert.deepEqual(
      lines.map((line) => [line.securityEvent, line.reason, line.address, line.orgId]),
      [[type, reason, '127.0.0.1', plane.orgId]],
    );
    const [event, ...others] = await eventsOf(plane, type);
    assert.ok(event && others.length === 0, type);
    const { remoteAddress, publicKey, targetPublicKey, linkspan } = event;
    assert.deepEqual([remoteAddress, linkspan.details.reason], ['127.0.0.1', reason]);
    const said: Record<string, unknown> = { publicKey, targetPublicKey, ...linkspan.details };
    for (const [name, value] of Object.entries(more)) assert.equal(said[name], value, `${type} ${name}`);
  }

  // A wrong token names the account. The others are strangers, so no organization has an event about them.
  const claims = Buffer.from(JSON.stringify({ sub: CLIENT })).toString('base64url');
  await bearer(`e30.${claims}.canarysignature`);
  await plane.control.security.flush();
  const records = (await lastAuditRecord(plane.store))?.sequence ?? 0;
  await plane.api('GET', ORGS, { user: ['canary-private-key-as-name', 'x'] });
  await plane.api('GET', ORGS, { user: ['qwertyui', 'x'] });
  await new AgentClient(plane.url, undefined, now).redeem('mlt_canary');
  await plane.control.security.flush();
  assert.equal((await lastAuditRecord(plane.store))?.sequence, records);
  const names = log.lines.map(({ claimedName }) => claimedName).slice(-3);
  assert.deepEqual(names, ['(another form)', 'qwertyui', undefined]);
  const stored = JSON.stringify(await auditRecordsAfter(plane.store, 0, 1_000));
  for (const secret of [/canary/, new RegExp(token.split('_')[2] ?? ''), new RegExp(SECRET)]) {
    assert.doesNotMatch(log.text(), secret);
    assert.doesNotMatch(stored, secret);
  }
});

test('a redemption is on record with its address', async () => {
  await using plane = await startControlPlane();
  await linkAgent(plane);
  const [event] = await eventsOf(plane, 'LINK_TOKEN_REDEEMED');
  assert.equal(event?.remoteAddress, '127.0.0.1');
});

test('10,000 failures leave a bounded number of log lines and events, which count the omitted ones, and the audit chain stays intact', async () => {
  const log = keptLog();
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock, logger: log.logger, failedAttemptsPerMinute: 60 });
  const authorization = `Digest username="${plane.publicKey}", realm="MMS Public API", nonce="${'A'.repeat(32)}", uri="${ORGS}", response="${'0'.repeat(32)}", algorithm=MD5, cnonce="c", qop=auth, nc=00000001`;
  const statuses = new Set<number>();
  for (let at = 0; at < 10_000; at += 50) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => plane.app.inject({ url: ORGS, headers: { authorization } })),
    );
    for (const { statusCode } of answers) statuses.add(statusCode);
  }
  assert.deepEqual([...statuses].sort(), [401, 429]);
  await plane.control.security.flush();
  const lines = log.lines.filter((line) => line.securityEvent === 'API_KEY_AUTHENTICATION_FAILED');
  // The guessed key has never worked from this address, so it must wait until an attempt is free.
  clock.nowMs += 2_000;
  const events = await eventsOf(plane, 'API_KEY_AUTHENTICATION_FAILED');
  const unchecked = log.lines.filter((line) => line.securityEvent === 'ATTEMPT_REFUSED_UNCHECKED');
  assert.deepEqual([lines.length, unchecked.length, events.length], [6, 6, 6], 'five and a summary');
  const counted = [...lines, ...unchecked].reduce((sum, line) => sum + Number(line.leftOut ?? 1), 0);
  assert.equal(counted, 10_000);
  const checked = lines.reduce((sum, line) => sum + Number(line.leftOut ?? 1), 0);
  assert.ok(checked <= 30 + 50, 'only the parallel guesses are checked beyond the limit');
  assert.deepEqual(events[0]?.linkspan.details, { addresses: ['127.0.0.1'], leftOut: checked - 5 });
});

// id: requests-limited
test('requests of an agent beyond its limit are an event with their addresses and a count, and no failed attempts', async (t) => {
  const log = keptLog();
  const clock = new FakeClock();
  const guards: ReplayGuard[] = [];
  const { admit } = ReplayGuard.prototype;
  t.mock.method(ReplayGuard.prototype, 'admit', function (this: ReplayGuard, ...proof: Parameters<typeof admit>) {
    guards.push(this);
    admit.apply(this, proof);
  });
  await using plane = await startControlPlane({ clock, logger: log.logger, failedAttemptsPerMinute: 4 });
  const linked = await linkAgent(plane);
  const { publicKey = '' } = (await plane.store.get('agents', linked.agentId ?? '')) ?? {};
  for (let at = 1; at < MOST_REQUESTS; at += 1)
    guards[0]?.admit(publicKey, { audience: '', nonce: `${at}`, signedAtMs: clock.nowMs, digest: '' }, clock.nowMs);
  for (let times = 0; times < 8; times += 1) {
    const refused = await linked.report({});
    assert.deepEqual([refused.status, refused.json.errorCode], [429, 'TOO_MANY_AGENT_REQUESTS']);
  }
  await plane.control.security.flush();
  const lines = log.lines.filter(({ securityEvent }) => securityEvent === 'AGENT_REQUESTS_LIMITED');
  assert.deepEqual(
    lines.map(({ address, reason, actorName, leftOut }) => [address, reason, actorName, leftOut]),
    [
      ...Array.from({ length: 5 }, () => ['127.0.0.1', 'TOO_MANY_AGENT_REQUESTS', 'host-1', undefined]),
      [undefined, undefined, undefined, 3],
    ],
  );
  const [summary, event] = await eventsOf(plane, 'AGENT_REQUESTS_LIMITED');
  assert.deepEqual(summary?.linkspan.details, { leftOut: 3, addresses: ['127.0.0.1'] });
  assert.deepEqual(
    [event?.remoteAddress, event?.linkspan.actorKind, event?.linkspan.details],
    ['127.0.0.1', 'AGENT', { reason: 'TOO_MANY_AGENT_REQUESTS', agentId: linked.agentId }],
  );
  clock.nowMs += 11 * 60_000;
  assert.equal((await linked.report({})).status, 200);
});
