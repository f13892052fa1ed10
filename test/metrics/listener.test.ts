import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Measured, type MetricsSettings, openMetrics, readMetricsSettings } from '../../src/metrics/index.ts';
import { BearerToken, silentLogger, UserError } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const TOKEN = '0123456789abcdef0123456789abcdef';
const ANYWHERE = { host: '127.0.0.1', port: 0 };

function open(settings: MetricsSettings, measured: Partial<Measured> = {}, lifeMs?: number) {
  const nothing: Measured = {
    command: 'sync',
    measure: async () => ({ samples: [], isComplete: true }),
    notReady: () => [],
  };
  return openMetrics(settings, { ...nothing, ...measured }, silentLogger, lifeMs);
}

function status(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const answered = Promise.withResolvers<number | undefined>();
  request(url, { headers }, (response) => {
    response.resume();
    answered.resolve(response.statusCode);
  })
    .on('error', answered.reject)
    .end();
  return answered.promise;
}

test('with a token only scrapes need it, and a wrong one is refused', async () => {
  await using listener = await open({ ...ANYWHERE, token: new BearerToken(TOKEN) });
  const scrape = (authorization: string) => status(`${listener.url}/metrics`, { authorization });
  for (const wrong of ['', 'Bearer', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`, TOKEN]) {
    assert.equal(await scrape(wrong), 401, wrong);
  }
  assert.equal(await scrape(`Bearer ${TOKEN}`), 200);
  assert.equal(await status(`${listener.url}/healthz`, {}), 200);
  assert.equal(await status(`${listener.url}/readyz`, {}), 200);
});

test('without a token no web page can read it: foreign host names and origins are refused', async () => {
  await using listener = await open(ANYWHERE);
  const foreign: Record<string, string>[] = [
    { host: 'evil.example' },
    { host: '127.0.0.1.evil.example' },
    { origin: 'https://evil.example' },
  ];
  for (const headers of foreign) {
    for (const path of ['/metrics', '/healthz', '/readyz']) {
      assert.equal(await status(listener.url + path, headers), 403, path);
    }
  }
  assert.equal(await status(`${listener.url}/metrics`, {}), 200);
  assert.equal((await fetch(`${listener.url}/metrics`, { method: 'POST' })).status, 405);
  assert.equal((await fetch(`${listener.url}/metrics/x`)).status, 404);
});

test('readiness names its reasons, and a process that is not ready still works', async () => {
  const reasons = ['the agent is not linked'];
  await using listener = await open(ANYWHERE, { notReady: () => reasons });
  const answer = await fetch(`${listener.url}/readyz`);
  assert.deepEqual([answer.status, await answer.json()], [503, { ready: false, reasons }]);
  assert.equal((await fetch(`${listener.url}/healthz`)).status, 200);
});

test('a scrape that fails answers 500 without the reason, and the next one works', async () => {
  const failures = [new Error('mongodb://user:secret@host')];
  const measure = async () => {
    const failure = failures.pop();
    if (failure) throw failure;
    return { samples: [], isComplete: true };
  };
  await using listener = await open(ANYWHERE, { measure });
  const failed = await fetch(`${listener.url}/metrics`);
  assert.equal(failed.status, 500);
  assert.ok(!(await failed.text()).includes('secret'));
  assert.equal((await fetch(`${listener.url}/metrics`)).status, 200);
});

test('a scraper that sends nothing loses its connection, and holds up no other one', async () => {
  await using listener = await open(ANYWHERE, {}, 300);
  let isClosed = false;
  connect(Number(new URL(listener.url).port), '127.0.0.1')
    .on('close', () => {
      isClosed = true;
    })
    .resume();
  assert.equal((await fetch(`${listener.url}/metrics`)).status, 200);
  await eventually(() => isClosed, { what: 'the silent connection to be closed' });
});

test('the end waits for no scrape that is under way', async () => {
  const asked = Promise.withResolvers<void>();
  const measure = () => {
    asked.resolve();
    return new Promise<never>(() => undefined);
  };
  let answer: Promise<Response>;
  {
    await using listener = await open(ANYWHERE, { measure }, 600_000);
    answer = fetch(`${listener.url}/metrics`);
    answer.catch(() => undefined);
    await asked.promise;
  }
  await assert.rejects(answer);
});

test('off by default, on loopback without a token, elsewhere only with a private token file', () => {
  using folder = temporaryFolder('metrics-token');
  const tokenFile = join(folder.path, 'token');
  const refused = (code: string, listen: string | undefined, file?: string) =>
    assert.throws(
      () => readMetricsSettings({ listen, tokenFile: file }),
      (error) => error instanceof UserError && error.code === code && !error.message.includes(TOKEN),
    );
  assert.equal(readMetricsSettings({}), undefined);
  assert.ok(readMetricsSettings({ listen: '127.0.0.1:9216' }));
  assert.ok(readMetricsSettings({ listen: '[::1]:9216' }));
  for (const listen of ['0.0.0.0:9216', '[::]:9216', '192.0.2.1:9216', 'metrics.example:9216']) {
    refused('METRICS_TOKEN_MISSING', listen);
  }
  for (const listen of ['9216', '127.0.0.1', '127.0.0.1:99999', '']) refused('USAGE', listen);
  refused('USAGE', undefined, tokenFile);
  refused('METRICS_TOKEN_UNUSABLE', '0.0.0.0:9216', tokenFile);
  writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
  assert.ok(readMetricsSettings({ listen: '0.0.0.0:9216', tokenFile })?.token?.isIn(`Bearer ${TOKEN}`));
  chmodSync(tokenFile, 0o640);
  refused('METRICS_TOKEN_UNUSABLE', '0.0.0.0:9216', tokenFile);
});
