import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { BearerToken, silentLogger, version } from '../../src/platform/index.ts';
import { createSyncApi, openSyncApi } from '../../src/sync/api.ts';
import { collectionsResponse } from '../../src/sync/collections-response.ts';
import { SyncSession } from '../../src/sync/session.ts';

function idleApi() {
  const session = new SyncSession({
    uris: { cluster0: 'mongodb://127.0.0.1:1', cluster1: 'mongodb://127.0.0.1:2' },
    once: false,
    logger: silentLogger,
  });
  const app = createSyncApi(session);
  return {
    session,
    get: async (path: string, headers: Record<string, string> = { host: 'localhost:27182' }) => {
      const response = await app.inject({ method: 'GET', url: path, headers });
      return { status: response.statusCode, body: response.json() };
    },
    post: async (path: string, payload: string | undefined, headers: Record<string, string> = {}) => {
      const all = { host: 'localhost:27182', ...headers };
      const response = await app.inject({ method: 'POST', url: path, payload, headers: all });
      return { status: response.statusCode, body: response.json() };
    },
  };
}

test('before the start, only state and canCommit have values', async () => {
  const { status, body } = await idleApi().get('/api/v1/progress');
  const { state, canCommit, ...others } = body.progress;
  assert.deepEqual([status, body.success, state, canCommit], [200, true, 'IDLE', false]);
  assert.ok('lagTimeSeconds' in others && 'directionMapping' in others);
  for (const [key, value] of Object.entries(others)) assert.equal(value, null, key);
});

test('collections come in pages, the largest first, and by name; before the start there are none', async () => {
  const idle = await idleApi().get('/api/v1/collections');
  const nothing = { totalCount: 0, reportedAt: null, isCurrent: true, itemsReported: 0, itemsTotal: 0 };
  assert.deepEqual(idle, { status: 200, body: { results: [], ...nothing, success: true } });
  const refused = await idleApi().get('/api/v1/collections?itemsPerPage=501');
  assert.deepEqual([refused.status, refused.body.error], [400, 'InvalidQueryParameter']);
  const figures = {
    reason: null,
    documentsCopied: 1,
    documentsTotal: 1,
    readOrder: null,
    documentsPerSecond: null,
    bytesPerSecond: null,
  };
  const collection = (id: string, namespace: string, bytesTotal: number | null) =>
    ({ id, namespace, state: 'DONE', bytesCopied: 5, bytesTotal, ...figures }) as const;
  const all = [
    collection('1', 'shop.small', 1),
    collection('2', 'Shop.unknown', null),
    collection('3', 'shop.large', 90),
    collection('4', 'stock.large', 90),
  ];
  const page = (query: string) => {
    const { results, totalCount, itemsTotal } = collectionsResponse(all, new URLSearchParams(query), 0);
    return [totalCount, itemsTotal, ...results.map(({ namespace }) => namespace)];
  };
  assert.deepEqual(page(''), [4, 4, 'shop.large', 'stock.large', 'Shop.unknown', 'shop.small']);
  assert.deepEqual(page('namespace=SHOP'), [3, 4, 'shop.large', 'Shop.unknown', 'shop.small']);
  assert.deepEqual(page('itemsPerPage=1&pageNum=2'), [4, 4, 'stock.large']);
  assert.deepEqual(page('pageNum=2'), [4, 4]);
});

test('pause, resume, commit and confirmDrops are refused before the start, with a name and a description', async () => {
  const api = idleApi();
  for (const call of ['pause', 'resume', 'commit', 'confirmDrops']) {
    assert.deepEqual(await api.post(`/api/v1/${call}`, '{}'), {
      status: 409,
      body: {
        success: false,
        error: 'WrongState',
        errorDescription: `${call} is not possible while the migration is IDLE. Check the progress, and try again when the state allows it.`,
      },
    });
  }
});

test('reverse and finish are refused before a commit', async () => {
  for (const call of ['reverse', 'finish']) {
    const { status, body } = await idleApi().post(`/api/v1/${call}`, '{}');
    assert.deepEqual([status, body.error], [409, 'WrongState'], call);
  }
});

test('a body is JSON whatever its content type, as with curl --data', async () => {
  const api = idleApi();
  for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json', 'image/png']) {
    assert.equal((await api.post('/api/v1/pause', '{}', { 'content-type': type })).body.error, 'WrongState', type);
  }
  assert.equal((await api.post('/api/v1/pause', '{}')).body.error, 'WrongState');
  assert.equal((await api.post('/api/v1/pause', undefined)).body.error, 'WrongState');
});

test('bad input is a 400 with the reason, never a 500', async () => {
  const api = idleApi();
  const bodies = ['{', '[]', '"x"', 'null', '7', '{"a":1}', '{"__proto__":{"a":1}}', '{"constructor":1}', '\u0000'];
  for (const call of ['start', 'pause', 'commit']) {
    for (const body of bodies) {
      const answer = await api.post(`/api/v1/${call}`, body);
      assert.deepEqual(
        [answer.status, answer.body.success, answer.body.error],
        [400, false, 'InvalidRequest'],
        `${call} ${body}`,
      );
    }
  }
  assert.equal((await api.post('/api/v1/start', `"${'x'.repeat(2_000_000)}"`)).body.error, 'InvalidRequest');
  assert.deepEqual([(await api.get('/api/v1/nothing')).status, (await api.get('/api/v1/start')).status], [404, 404]);
});

test('a field of /start that would change what is migrated is never ignored', async () => {
  const api = idleApi();
  const refused: Record<string, unknown> = {
    buildIndexes: 'never',
    sharding: { shardingEntries: [] },
    copyInNaturalOrder: [],
    enableUserWriteBlocking: 'none',
    destinationDataHandling: 'x',
    constructor: 1,
  };
  for (const [field, value] of Object.entries(refused)) {
    const body = JSON.stringify({ source: 'cluster0', destination: 'cluster1', [field]: value });
    const answer = await api.post('/api/v1/start', body);
    assert.deepEqual([answer.status, answer.body.error], [400, 'UnsupportedField'], field);
    assert.ok(answer.body.errorDescription.includes(`of the field ${field} `), answer.body.errorDescription);
  }
  for (const body of [
    '{}',
    '{"source":"cluster0"}',
    '{"source":"cluster0","destination":"cluster2"}',
    '{"source":"cluster1","destination":"cluster1"}',
    '{"source":"cluster0","destination":"cluster1","reversible":"no"}',
    '{"source":"cluster0","destination":"cluster1","includeNamespaces":[{"databse":"a"}]}',
    '{"source":"cluster0","destination":"cluster1","excludeNamespaces":["a.b"]}',
    '{"source":"cluster0","destination":"cluster1","namespaceRemap":[{"from":"a","to":"b"}]}',
    '{"source":"cluster0","destination":"cluster1","documentFilters":[{"database":"a","collection":"b","filter":"c"}]}',
    '{"source":"cluster0","destination":"cluster1","documentFilters":[{"database":"a","filter":{}}]}',
    '{"source":"cluster0","destination":"cluster1","namespaceRemap":[{"from":{"database":"a"}}]}',
    '{"source":"cluster0","destination":"cluster1","verification":{"enable":true}}',
  ]) {
    assert.equal((await api.post('/api/v1/start', body)).body.error, 'InvalidRequest', body);
  }
  const empty = await api.post('/api/v1/start', '');
  assert.deepEqual(empty, await api.post('/api/v1/start', '{}'));
  assert.match(empty.body.errorDescription, /source: /);
  assert.equal(api.session.state, 'IDLE');
});

test('no web page can call the API: neither from another origin nor under another host name', async () => {
  const api = idleApi();
  assert.equal((await api.post('/api/v1/pause', '{}', { origin: 'https://evil.example' })).status, 403);
  assert.equal((await api.get('/api/v1/progress', { host: 'evil.example:27182' })).status, 403);
  assert.equal((await api.get('/api/v1/progress', { host: '127.0.0.1.evil.example' })).status, 403);
  for (const host of ['localhost', '127.0.0.1:27182', '[::1]:27182']) {
    assert.equal((await api.get('/api/v1/progress', { host })).status, 200, host);
  }
});

const OWN_PAGE = {
  host: '127.0.0.1:27182',
  origin: 'http://127.0.0.1:27182',
  'sec-fetch-site': 'same-origin',
  'linkspan-console': '1',
};

// id: own-pages-only
test('only a page of the API itself can make calls from a browser, and it says so in a header', async () => {
  const api = idleApi();
  const status = async (headers: Record<string, string>) => (await api.post('/api/v1/pause', '{}', headers)).status;
  const REACHED = 409;
  assert.equal(await status(OWN_PAGE), REACHED);
  const { 'linkspan-console': _, ...withoutHeader } = OWN_PAGE;
  for (const headers of [
    withoutHeader,
    { ...OWN_PAGE, origin: 'http://127.0.0.1:3000' },
    { ...OWN_PAGE, origin: 'https://127.0.0.1:27182' },
    { ...OWN_PAGE, origin: 'http://localhost:27182' },
    { ...OWN_PAGE, origin: 'null' },
    { ...OWN_PAGE, origin: 'http://127.0.0.1:27182.evil.example' },
    { ...OWN_PAGE, 'sec-fetch-site': 'same-site' },
    { ...OWN_PAGE, 'sec-fetch-site': 'cross-site' },
    { ...OWN_PAGE, host: 'evil.example:27182', origin: 'http://evil.example:27182' },
    { host: '127.0.0.1:27182', 'sec-fetch-site': 'cross-site' },
    { host: '127.0.0.1:27182', 'sec-fetch-site': 'same-origin' },
  ]) {
    assert.equal(await status(headers), 403, JSON.stringify(headers));
  }
  const read = { host: '127.0.0.1:27182', origin: 'http://127.0.0.1:3000' };
  assert.equal((await api.get('/api/v1/progress', read)).status, 403);
});

test('a browser that asks for a permission (CORS) gets none', async () => {
  const headers = {
    ...{ host: '127.0.0.1:27182', origin: 'http://127.0.0.1:3000' },
    ...{ 'access-control-request-method': 'POST', 'access-control-request-headers': 'linkspan-console' },
  };
  const answer = await createSyncApi(idleApi().session).inject({ method: 'OPTIONS', url: '/api/v1/pause', headers });
  assert.ok(answer.statusCode >= 400, String(answer.statusCode));
  assert.deepEqual(
    Object.keys(answer.headers).filter((name) => name.startsWith('access-control')),
    [],
  );
});

test('the settings name both clusters without credentials, and say whether the caller may change anything', async () => {
  const uris = {
    cluster0: 'mongodb://mover:secret-one@h0:27017,h1:27017/?replicaSet=a',
    cluster1: 'mongodb://mover:secret-two@d0:27017/?replicaSet=b',
  };
  const session = new SyncSession({ uris, once: false, dropDestination: 'cluster1', logger: silentLogger });
  const app = createSyncApi(session, new BearerToken('0123456789abcdef0123456789abcdef'));
  const settings = async (headers: Record<string, string>) =>
    (await app.inject({ url: '/api/v1/settings', headers: { host: 'localhost', ...headers } })).json();
  const shown = await settings({});
  assert.deepEqual(shown, {
    version,
    clusters: { cluster0: 'h0:27017,h1:27017', cluster1: 'd0:27017' },
    dropDestination: 'cluster1',
    reversible: false,
    verification: 'repair',
    mayChange: false,
  });
  assert.equal((await settings({ authorization: 'Bearer wrong' })).mayChange, false);
  assert.equal((await settings({ authorization: 'Bearer 0123456789abcdef0123456789abcdef' })).mayChange, true);
  assert.equal((await idleApi().get('/api/v1/settings')).body.mayChange, true, 'without a token, everybody may');
});

test('the error names a port that is in use', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  await assert.rejects(openSyncApi(idleApi().session, port), {
    code: 'PORT_IN_USE',
    parameters: [`127.0.0.1:${port}`, '--port'],
  });
  taken.close();
});
