import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { serveSamples } from '../../src/cli/run/serve-metrics.ts';
import { METRICS } from '../../src/metrics/catalogue.ts';
import { MetricsRegistry } from '../../src/metrics/registry.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, prepare, progress } from '../atlas-api/migration-world.ts';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { spawnTracked } from '../support/child-processes.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/mongod-process.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { startSync } from '../support/sync-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { boardExpressions, CHOSEN, grafanaBoard } from './grafana-board.ts';

const withoutPrometheus =
  spawnSync('prometheus', ['--version']).error !== undefined && "Debian's package prometheus is not installed";

test('deploy/grafana/linkspan.json names metrics that exist, and no data source of its own', () => {
  const text = grafanaBoard();
  assert.deepEqual([...new Set([...text.matchAll(/"uid": "([^"]+)"/g)].map(([, uid]) => uid))].sort(), [
    CHOSEN,
    'linkspan',
  ]);
  for (const [name] of boardExpressions.join(' ').matchAll(/\blinkspan_[a-z_]+/g)) assert.ok(name in METRICS, name);
});

test('Prometheus has data for every expression of the board, of a real migration and a server', {
  skip: withoutPrometheus,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client
    .db('shop')
    .collection('orders')
    .insertMany(numbered(2_000, { text: 'x'.repeat(200) }));
  const { source, destination } = await reversibleUsers(pair);
  const flags = ['--max-megabytes-per-second', '0.2', '--metrics-listen', '127.0.0.1:0', '--reversible'];
  await using sync = await startSync({ source: source.uri, destination: destination.uri }, flags);
  const [, url = ''] = await sync.linkspan.waitForLine(/metrics are served at http:\/\/(\S+)\/metrics$/);
  await using server = await startServerMetrics();
  await using prometheus = await startPrometheus([url, server.address]);

  const missing = new Set(boardExpressions);
  const without = async (those: readonly string[]) => {
    for (const expr of missing) if (await prometheus.hasData(expr)) missing.delete(expr);
    return those.length === 0
      ? missing.size === 0
      : [...missing].every((expr) => those.some((name) => expr.includes(name)));
  };
  const ofCutover = ['linkspan_write_pause_seconds', 'linkspan_cutover_step_seconds', 'linkspan_failback_'];
  await eventually(() => without(ofCutover), { what: 'data of everything but the cutover and the failback' });
  await eventually(async () => (await sync.progress()).canCommit, { what: 'readiness' });
  await sync.call('commit');
  await eventually(() => without([]), { what: 'data of the cutover and the failback' });
});

/** Serves the metrics of a control plane one of whose agents reports a migration. */
async function startServerMetrics() {
  await using resources = new AsyncDisposableStack();
  const plane = resources.use(await startControlPlane());
  const { agent, groupId, path } = await prepare(plane);
  const { json } = await plane.api('POST', path, { body: cliBody(groupId) });
  // Only this migration's source is sharded.
  const oplog = { windowSeconds: 7_200, leftSeconds: 3_600, headroomPercent: 50 };
  const rates = { writesPerSecond: 9, readsPerSecond: 1, oplogBytesPerSecond: 70 };
  const shards = [{ shard: 'rs0', whyUnknown: null, oplog, rates, pingMs: 2 }];
  await agent.report({ migrations: [{ id: String(json._id), progress: progress('9'.repeat(24), { shards }) }] });
  const registry = new MetricsRegistry();
  const http = createServer(async (_, answer) => {
    const { samples } = await serveSamples(plane.store, Date.now());
    const { text, contentType } = await registry.render(samples, 'prometheus');
    answer.setHeader('content-type', contentType).end(text);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  resources.defer(() => {
    http.close();
    http.closeAllConnections();
  });
  const kept = resources.move();
  const { port } = http.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Starts Prometheus with the shipped rules, which scrapes these addresses every second. */
async function startPrometheus(targets: readonly string[]) {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(temporaryFolder('prometheus'));
  const shipped = (name: string) => new URL(`../../deploy/prometheus/${name}`, import.meta.url).pathname;
  const configuration = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [shipped('rules.yml'), shipped('alerts.yml')],
    scrape_configs: [{ job_name: 'linkspan', static_configs: [{ targets }] }],
  };
  const file = join(folder.path, 'prometheus.yml');
  writeFileSync(file, JSON.stringify(configuration));
  const address = `127.0.0.1:${await freePort()}`;
  const flags = [`--config.file=${file}`, `--storage.tsdb.path=${join(folder.path, 'data')}`];
  const child = spawnTracked('prometheus', 'prometheus', [...flags, `--web.listen-address=${address}`], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  resources.defer(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const query = async (path: string) => await fetch(`http://${address}${path}`).catch(() => undefined);
  await eventually(async () => (await query('/-/ready'))?.ok, { what: 'Prometheus to be ready' });
  const kept = resources.move();
  return {
    hasData: async (expr: string): Promise<boolean> => {
      const concrete = expr.replaceAll('$__rate_interval', '10s').replaceAll('$migration', '.*');
      const answer = await query(`/api/v1/query?${new URLSearchParams({ query: concrete })}`);
      assert.ok(answer);
      // biome-ignore lint/suspicious/noExplicitAny: JSON of Prometheus
      const { status, data, error } = (await answer.json()) as any;
      assert.equal(status, 'success', `${concrete}: ${error}`);
      return data.result.length > 0;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
