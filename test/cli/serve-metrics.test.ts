import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { securitySamples, serveNotReady, serveSamples } from '../../src/cli/run/serve-metrics.ts';
import { dateOf } from '../../src/contract/index.ts';
import { MetricsRegistry } from '../../src/metrics/registry.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, prepare, progress } from '../atlas-api/migration-world.ts';
import { startTwoHosts } from '../atlas-api/two-hosts.ts';
import { scraped } from '../metrics/scraped.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const TOKEN = '0123456789abcdef0123456789abcdef';

test('a server shows what its agents report while they are heard, and their silence after that', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const created = await plane.api('POST', path, { body: cliBody(groupId) });
  const id = String(created.json._id);
  const scrape = async (nowMs = Date.now()) => {
    const { samples } = await serveSamples(plane.store, nowMs);
    const { text } = await new MetricsRegistry().render(samples, 'prometheus');
    assert.doesNotMatch(text, /canary|mongodb:/);
    return scraped(text);
  };
  const of = (name: string, more = '') => `linkspan_${name}{migration="${id}"${more}}`;
  assert.equal((await scrape()).get(of('migration_status', ',status="NEW"')), 1);

  const cutover = { requestedAt: dateOf(1), blocking: true, sourceBlockedAt: dateOf(2) };
  const reported = { ...progress('9'.repeat(24), { state: 'COMMITTING', lagSeconds: 3, cutover }) };
  await agent.report({ migrations: [{ id, progress: reported }] });
  const heard = await scrape();
  assert.equal(heard.get(of('lag_seconds')), 3, 'under the id of the order, not that of the report');
  assert.equal(heard.get(of('migration_status', ',status="WORKING"')), 1);
  const seen = [...heard].find(([name]) => name.startsWith('linkspan_agent_last_seen_timestamp_seconds{'));
  assert.match(seen?.[0] ?? '', /host="host-1"/);
  assert.ok(Math.abs((seen?.[1] ?? 0) - Date.now() / 1_000) < 60);

  // An agent that is heard leaves the migration out, and a request of an operator has changed it since.
  const record = await plane.store.get('migrations', id);
  assert.ok(record);
  const noted = (reportedAtMs: number) =>
    plane.store.write((transaction) => transaction.update('migrations', { ...record, reportedAtMs }));
  await noted(Date.now() - 26_000);
  const leftOut = await scrape();
  assert.deepEqual([leftOut.has(of('lag_seconds')), leftOut.get(of('source_blocked'))], [false, 1]);
  await noted(Date.now());

  const silent = await scrape(Date.now() + 26_000);
  assert.equal(silent.has(of('lag_seconds')), false);
  assert.equal(silent.has(of('migration_state', ',state="committing"')), false);
  assert.equal(silent.get(of('source_blocked')), 1, 'no one has said that it is open');
  assert.ok([...silent.keys()].some((name) => name.startsWith('linkspan_agent_last_seen_timestamp_seconds{')));

  const error = { code: 'INTERNAL_ERROR', message: 'm', remedy: 'r' };
  await agent.report({ migrations: [{ id, progress: { ...reported, state: 'FAILED', error } }] });
  const failed = await scrape();
  assert.equal(failed.get(of('migration_status', ',status="FAILED"')), 1);
  assert.equal(failed.has(of('lag_seconds')), false);
  assert.ok(failed.has(of('migration_end_timestamp_seconds')));
  const later = await scrape(Date.now() + 25 * 3_600_000);
  assert.equal(later.has(of('migration_status', ',status="FAILED"')), false);
});

test('a server shows which host leads a migration, and which one could take it over', async () => {
  await using hosts = await startTwoHosts();
  const shown = async () => {
    const { samples } = await serveSamples(hosts.plane.store, hosts.clock.now());
    const { text } = await new MetricsRegistry().render(samples, 'prometheus');
    const of = (host: string, role: string) =>
      `linkspan_migration_hosts{migration="${hosts.id}",host="${host}",role="${role}"}`;
    const found = scraped(text);
    return [found.get(of('leader', 'LEADER')), found.get(of('standby', 'STANDBY'))];
  };
  await hosts.passHeard(10_000, 'UNREAD');
  assert.deepEqual(await shown(), [1, 0]);
  await hosts.passHeard(10_000);
  assert.deepEqual(await shown(), [1, 1]);
});

test('a server counts the attempts that it refuses, and shows types that have not happened as 0', async () => {
  await using plane = await startControlPlane();
  const render = async () => {
    const { text } = await new MetricsRegistry().render(securitySamples(plane.control.security), 'prometheus');
    return scraped(text);
  };
  const of = (type: string) => `linkspan_security_events_total{type="${type}"}`;
  assert.equal((await render()).get(of('AGENT_REQUESTS_LIMITED')), 0);
  for (let times = 0; times < 7; times += 1)
    await plane.api('GET', '/api/atlas/v2/orgs', { user: [plane.publicKey, 'wrong'] });
  assert.equal((await render()).get(of('API_KEY_AUTHENTICATION_FAILED')), 7);
});

test('a server whose store cannot be written, or that stops, is not ready', async () => {
  const going = new AbortController();
  const broken = { write: () => Promise.reject(new Error('the disk')) };
  assert.deepEqual(await serveNotReady(broken, true, going.signal), ['the store cannot be written']);
  await using plane = await startControlPlane();
  assert.deepEqual(await serveNotReady(plane.store, true, going.signal), []);
  assert.deepEqual(await serveNotReady(plane.store, false, going.signal), ['the server does not listen']);
  going.abort();
  assert.deepEqual(await serveNotReady(plane.store, true, going.signal), ['the server stops']);
});

test('linkspan serve has metrics where LINKSPAN_METRICS_LISTEN says, and refuses every address but loopback without a token', async () => {
  using folder = temporaryFolder('serve-metrics');
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', join(folder.path, 'data')];
  {
    const tokenFile = join(folder.path, 'token');
    writeFileSync(tokenFile, TOKEN);
    chmodSync(tokenFile, 0o600);
    const env = { LINKSPAN_METRICS_LISTEN: '127.0.0.1:0', LINKSPAN_METRICS_TOKEN_FILE: tokenFile };
    await using server = runLinkspan(args, { env });
    const [, url = ''] = await server.waitForLine(/metrics are served at (http:\/\/\S+)\/metrics$/);
    await server.waitForLine(/ready at /);
    assert.deepEqual(await (await fetch(`${url}/readyz`)).json(), { ready: true, reasons: [] });
    assert.equal((await fetch(`${url}/metrics`)).status, 401);
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5';
    const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}`, accept } });
    assert.match(answer.headers.get('content-type') ?? '', /^application\/openmetrics-text; version=1\.0\.0/);
    assert.match(await answer.text(), /^linkspan_build_info\{version="[^"]+",command="serve"\} 1$[\s\S]*\n# EOF\n$/m);
    server.kill('SIGTERM');
    assert.equal((await server.exit).code, 0, server.stderr);
  }
  await using refused = runLinkspan([...args, '--metrics-listen', '0.0.0.0:0']);
  assert.equal((await refused.exit).code, 2);
  assert.match(refused.stderr, /\[METRICS_TOKEN_MISSING\]/);
});
