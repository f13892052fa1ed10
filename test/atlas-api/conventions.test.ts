import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { remedyHeader } from '../../src/http/index.ts';
import { UserError } from '../../src/platform/index.ts';
import { ATLAS, addOrganization, type ControlPlane, type Page, startControlPlane } from './control-plane.ts';
import { cliBody, prepare, progress } from './migration-world.ts';

const tokensOf = (plane: ControlPlane) => `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`;

test('every error in a body has its Atlas error code', async () => {
  await using plane = await startControlPlane();
  const cases: [unknown, number, string, string][] = [
    ['{"accessListIps":', 400, 'MALFORMED_JSON', 'Received JSON is malformed.'],
    ['', 400, 'MALFORMED_JSON', 'Received JSON is malformed.'],
    ['[]', 400, 'INVALID_JSON', 'Received JSON does not match expected format.'],
    ['null', 400, 'INVALID_JSON', 'Received JSON does not match expected format.'],
    [
      { accessListIps: 'x' },
      400,
      'INVALID_JSON_ATTRIBUTE',
      'Received JSON for the accessListIps attribute does not match expected format.',
    ],
    [
      { accessListIps: [1] },
      400,
      'INVALID_JSON_ATTRIBUTE',
      'Received JSON for the accessListIps.0 attribute does not match expected format.',
    ],
    [{ accessListIPs: [] }, 400, 'INVALID_ATTRIBUTE', 'Invalid attribute accessListIPs specified.'],
    [`{"accessListIps":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, 400, 'INVALID_JSON_ATTRIBUTE', ''],
    [{ accessListIps: ['1.2.3.4\0'] }, 400, 'INVALID_IP_ADDRESS_OR_CIDR_NOTATION', ''],
    ['{"accessListIps":[],"accessListIps":1}', 400, 'INVALID_JSON_ATTRIBUTE', ''],
    ['{"__proto__":{}}', 400, 'INVALID_ATTRIBUTE', 'Invalid attribute __proto__ specified.'],
    [{ accessListIps: Array(201).fill('1.2.3.4') }, 400, 'VALIDATION_ERROR', ''],
    [{ accessListIps: ['1'.repeat(100)] }, 400, 'VALIDATION_ERROR', ''],
    ['x'.repeat(5_000_000), 413, 'PAYLOAD_TOO_LARGE', 'The request body is larger than 65536 bytes.'],
  ];
  for (const [body, status, errorCode, detail] of cases) {
    const response = await plane.api('POST', tokensOf(plane), { body });
    assert.equal(response.status, status, errorCode);
    assert.equal(response.json.errorCode, errorCode);
    assert.equal(response.headers.get('x-error-code'), errorCode);
    if (detail) assert.equal(response.json.detail, detail);
  }
  const missing = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'p' } });
  assert.equal(missing.json.detail, 'The required attribute orgId was not specified.');
});

test('a refusal says what to do in a header, so that its body stays as Atlas has it', async () => {
  await using plane = await startControlPlane();
  const unknown = await plane.api('DELETE', `/api/atlas/v2/orgs/${plane.orgId}/apiKeys/${'0'.repeat(24)}`);
  const remedy = 'GET /orgs/{orgId}/apiKeys or GET /groups/{groupId}/apiKeys lists them.';
  assert.equal(unknown.headers.get('x-error-remedy'), remedy);
  assert.deepEqual(Object.keys(unknown.json).sort(), ['detail', 'error', 'errorCode', 'parameters', 'reason']);
});

test('a refused name, page or label comes with what is allowed', async () => {
  await using plane = await startControlPlane();
  const name = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'a/b', orgId: plane.orgId } });
  const { errorCode, detail, parameters } = name.json;
  assert.deepEqual(
    [errorCode, detail, parameters],
    ['INVALID_ATTRIBUTE', 'Invalid attribute name specified: it has other characters than a name.', ['name']],
  );
  const allowed = "A name here has only letters, digits, spaces and -_.(),:&@+'.";
  assert.equal(name.headers.get('x-error-remedy'), allowed);
  const page = await plane.api('GET', '/api/atlas/v2/groups?itemsPerPage=5000');
  assert.equal(page.headers.get('x-error-remedy'), 'Remove the parameter, or give a number from 1 to 500.');
});

test('what to do is percent-encoded in the header where it is not plain ASCII', () => {
  const mistake = new UserError('MIGRATION_HOST_NOT_FOUND', ['host-1']);
  const header = String(remedyHeader(mistake)['x-error-remedy']);
  assert.match(header, /GET %E2%80%A6\/liveMigrations/);
  assert.equal(decodeURIComponent(header), mistake.remedy);
});

test('a body that is not JSON, and a request without a version, get their own errors', async () => {
  await using plane = await startControlPlane();
  const form = await plane.api('POST', tokensOf(plane), {
    body: '{}',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assert.equal(form.status, 415);
  assert.equal(form.json.errorCode, 'UNSUPPORTED_MEDIA_TYPE');
  const unversioned = await plane.api('POST', tokensOf(plane), { body: {}, headers: { accept: 'application/json' } });
  assert.equal(unversioned.status, 406);
  const noDate = await plane.api('POST', tokensOf(plane), {
    body: {},
    headers: { accept: 'application/vnd.atlas.2023-99-99+json' },
  });
  assert.equal(noDate.json.errorCode, 'INVALID_VERSION_DATE');
});

test('unknown paths, wrong methods and Atlas operations that Linkspan lacks are all 404, each with its own error code', async () => {
  await using plane = await startControlPlane();
  const cases = [
    ['GET', tokensOf(plane), /^Cannot find resource .*linkTokens: Atlas has it/],
    ['GET', '/api/atlas/v2/nonsense', /^Cannot find resource \/api\/atlas\/v2\/nonsense\.$/],
    ['PATCH', '/api/atlas/v2/groups', /^Cannot find resource/],
    ['GET', '/api/atlas/v2/orgs/x/groups/y', /^Cannot find resource/],
    ['GET', `/api/atlas/v2/orgs/${plane.orgId}/users`, /Linkspan does not serve it/],
    ['DELETE', `/api/atlas/v2/orgs/${plane.orgId}/teams/x`, /Linkspan does not serve it/],
  ] as const;
  for (const [method, path, detail] of cases) {
    const response = await plane.api(method, path);
    assert.equal(response.status, 404, path);
    assert.equal(response.json.errorCode, 'RESOURCE_NOT_FOUND');
    if (path !== tokensOf(plane)) assert.match(String(response.json.detail), detail);
  }
});

test('envelope and pretty work as Atlas documents them, for answers, lists and errors', async () => {
  await using plane = await startControlPlane();
  const one = await plane.api('POST', `${tokensOf(plane)}?envelope=true`, { body: {} });
  assert.deepEqual(Object.keys(one.json), ['content', 'status']);
  assert.equal(one.json.status, 201);
  const list = await plane.api('GET', '/api/atlas/v2/orgs?envelope=true');
  assert.deepEqual(Object.keys(list.json), ['links', 'results', 'status', 'totalCount']);
  const error = await plane.api('GET', '/api/atlas/v2/groups/xyz?envelope=true&pretty=true');
  assert.equal(error.status, 404);
  assert.equal(error.json.status, 404);
  assert.match(error.text, /^\{\n {2}"content": \{\n {4}"detail": "An invalid group ID xyz/);
  const wrong = await plane.api('GET', '/api/atlas/v2/orgs?pretty=maybe');
  assert.deepEqual([wrong.json.errorCode, wrong.json.parameters], ['INVALID_QUERY_PARAMETER', ['pretty']]);
  assert.equal(wrong.headers.get('x-error-remedy'), 'Remove the parameter, or give true or false.');
});

test('each of the eight operations answers in an envelope and indented for atlas api --envelope --pretty', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const order = cliBody(groupId);
  const ask = async (method: string, at: string, body?: object) => {
    const { status, text, json } = await plane.api(method, `${at}?envelope=true&pretty=true`, { body });
    assert.match(text, /^\{\n {2}"content": [[{]/, at);
    assert.equal(json.status, status, at);
    return { status, content: json.content as unknown as Record<string, unknown> & unknown[] };
  };
  assert.match(String((await ask('POST', tokensOf(plane), {})).content.linkToken), /^mlt_/);
  const projects = await ask('GET', `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/availableProjects`);
  assert.equal(projects.content.length, 1);
  const validation = await ask('POST', `${path}/validate`, order);
  const validationId = String(validation.content._id);
  assert.equal((await ask('GET', `${path}/validate/${validationId}`)).content.status, 'PENDING');
  const created = await ask('POST', path, order);
  assert.deepEqual([created.status, created.content.status], [201, 'NEW']);
  const id = String(created.content._id);
  await agent.report({ migrations: [{ id, progress: progress(id, { state: 'FOLLOWING', readyForCutover: true }) }] });
  assert.equal((await ask('GET', `${path}/${id}`)).content.readyForCutover, true);
  assert.deepEqual(await ask('PUT', `${path}/${id}/cutover`), { status: 202, content: {} });
  await agent.report({ migrations: [{ id, progress: progress(id, { state: 'COMMITTED' }) }] });
  const deleted = await plane.api('DELETE', `${tokensOf(plane)}?envelope=true&pretty=true`);
  assert.deepEqual([deleted.status, deleted.text], [204, '']);
});

test('lists have pages with links to the next and the previous page', async () => {
  await using plane = await startControlPlane();
  for (const name of ['a', 'b', 'c']) {
    assert.equal((await plane.api('POST', '/api/atlas/v2/groups', { body: { name, orgId: plane.orgId } })).status, 201);
  }
  const page = await plane.api<Page<unknown>>('GET', '/api/atlas/v2/groups?pageNum=2&itemsPerPage=1');
  const { links } = page.json;
  assert.deepEqual(
    links.map(({ rel }) => rel),
    ['self', 'previous', 'next'],
  );
  assert.equal(links[2]?.href, `${plane.url}/api/atlas/v2/groups?includeCount=true&itemsPerPage=1&pageNum=3`);
  assert.equal(page.json.totalCount, 3);
  const [twice] = (await plane.api('GET', '/api/atlas/v2/groups?itemsPerPage=2&itemsPerPage=0')).json
    .links as unknown[];
  assert.match(JSON.stringify(twice), /itemsPerPage=2"/, 'the first value of a repeated parameter counts');
  for (const query of ['pageNum=0', 'itemsPerPage=501', 'pageNum=x', 'includeCount=2']) {
    assert.equal((await plane.api('GET', `/api/atlas/v2/groups?${query}`)).json.errorCode, 'INVALID_QUERY_PARAMETER');
  }
});

test('an organization lists only its own projects, and finds them by the beginning of their name', async () => {
  await using plane = await startControlPlane();
  for (const name of ['shop', 'shop-2', 'other']) {
    await plane.api('POST', '/api/atlas/v2/groups', { body: { name, orgId: plane.orgId } });
  }
  const names = async (query: string) => {
    const path = `/api/atlas/v2/orgs/${plane.orgId}/groups${query}`;
    return (await plane.api<Page<{ name: string }>>('GET', path)).json.results.map(({ name }) => name);
  };
  assert.deepEqual(await names(''), ['shop', 'shop-2', 'other']);
  assert.deepEqual(await names('?name=SHOP&itemsPerPage=1&pageNum=2'), ['shop-2']);
  const { json } = await plane.api<Page<{ id: string; links: unknown }>>(
    'GET',
    `/api/atlas/v1.0/orgs/${plane.orgId}/groups`,
  );
  const [first] = json.results;
  assert.deepEqual(first?.links, [{ href: `${plane.url}/api/atlas/v1.0/groups/${first?.id}`, rel: 'self' }]);
  const user = await addOrganization(plane, 'a'.repeat(24), ['ORG_OWNER']);
  const stranger = await plane.api('GET', `/api/atlas/v2/orgs/${plane.orgId}/groups`, { user });
  assert.deepEqual([stranger.status, stranger.json.errorCode], [401, 'USER_CANNOT_ACCESS_ORG']);
});

test('a path with two slashes, as older CLIs send it, is the same resource', async () => {
  await using plane = await startControlPlane();
  assert.equal((await plane.api('GET', '//api/atlas/v2/orgs')).status, 200);
});

test('a project name is unique in its organization', async () => {
  await using plane = await startControlPlane();
  const create = () => plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'a project', orgId: plane.orgId } });
  assert.equal((await create()).status, 201);
  const again = await create();
  assert.equal(again.status, 409);
  assert.equal(again.json.detail, 'A group with name "a project" already exists.');
});

test('a registered cluster is shown without its credentials; an invalid connection string is refused', async () => {
  await using plane = await startControlPlane();
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'p', orgId: plane.orgId } });
  const path = `/api/atlas/v2/groups/${group.json.id}/clusters`;
  const register = (name: string, standard: string) =>
    plane.api('POST', path, { body: { name, connectionStrings: { standard } } });
  const created = await register('C1', 'mongodb://u:canary-password@h1:1,h2:2/?replicaSet=rs&authSource=admin');
  assert.equal(created.status, 201);
  assert.deepEqual(created.json.connectionStrings, { standard: 'mongodb://h1:1,h2:2/?replicaSet=rs&authSource=admin' });
  assert.ok(!(await plane.api('GET', path)).text.includes('canary'));
  assert.ok(!(await plane.api('GET', `${path}/C1`)).text.includes('canary'));
  assert.equal((await register('C1', 'mongodb://h')).json.errorCode, 'DUPLICATE_CLUSTER_NAME');
  assert.equal(
    (await plane.api('GET', `${path}/C2`)).json.detail,
    `No cluster named C2 exists in group ${group.json.id}.`,
  );
  for (const wrong of [
    'x',
    'http://canary:canary@h',
    'mongodb://u:canary@',
    'mongodb://u:canary@h/?tlsInsecure=true',
    'mongodb://u:can ary@h',
    'mongodb://h/?tlsCAFile=/canary',
  ]) {
    const response = await register('C3', wrong);
    assert.equal(response.status, 400, wrong);
    assert.ok(!response.text.includes('canary'), response.text);
  }
});

test('no path, query or body makes the server fail', async () => {
  await using plane = await startControlPlane();
  const odd = fc.oneof(fc.string(), fc.constantFrom('%00', '%zz', '..', '__proto__', 'ä', '%2e%2e', 'x'.repeat(600)));
  const request = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
    segments: fc.array(
      fc.oneof(odd, fc.constantFrom('orgs', 'groups', 'liveMigrations', 'linkTokens', 'a'.repeat(24))),
      { maxLength: 5 },
    ),
    body: fc.oneof(fc.json(), fc.string()),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ method, segments, body }) => {
      const path = new URL(`/api/atlas/v2/${segments.join('/')}`, plane.url);
      const target = path.pathname + path.search;
      if (!target.startsWith('/api/atlas/v2/')) return;
      const response = await plane.api(method, target, method === 'GET' ? {} : { body });
      assert.ok(response.status < 500, `${method} ${target}: ${response.status}`);
    }),
    { numRuns: 200 },
  );
});

/** Sends raw bytes. @returns status, headers in lower case, and the body as JSON */
async function exchange(plane: ControlPlane, request: string) {
  const socket = connect(Number(new URL(plane.url).port), '127.0.0.1');
  socket.write(request);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Map(lines.map((line) => [line.split(':')[0]?.toLowerCase(), line.split(': ')[1]]));
  return { status: Number(statusLine.split(' ')[1]), headers, json: JSON.parse(body) as Record<string, unknown> };
}

test("an invalid HTTP request gets an answer in Atlas's form, too, with its headers", async () => {
  await using plane = await startControlPlane();
  const get = (target: string, more = '') => `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`;
  const cases = [
    [get('/api/atlas/v2/%'), 404, 'RESOURCE_NOT_FOUND'],
    [get('/%E0%A4%A'), 404, 'RESOURCE_NOT_FOUND'],
    [get('*'), 404, 'RESOURCE_NOT_FOUND'],
    [get('/elsewhere'), 404, 'RESOURCE_NOT_FOUND'],
    [get('/api/atlas/v2/orgs', `X-Long: ${'x'.repeat(20_000)}\r\n`), 431, 'HEADERS_TOO_LARGE'],
    ['nonsense\r\n\r\n', 400, 'MALFORMED_REQUEST'],
    [get('/', 'Transfer-Encoding: chunked\r\nContent-Length: 1\r\n'), 400, 'MALFORMED_REQUEST'],
  ] as const;
  for (const [request, status, errorCode] of cases) {
    const answer = await exchange(plane, request);
    const what = request.slice(0, 60);
    assert.deepEqual([answer.status, answer.json.error, answer.json.errorCode], [status, status, errorCode], what);
    assert.equal(answer.headers.get('x-error-code'), errorCode, what);
    assert.equal(answer.headers.get('content-type'), 'application/json', what);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', what);
  }
});

test('a request line with a full URL, as for a proxy, means the path of that URL', async () => {
  const serviceAccount = { clientId: `mdb_sa_id_${'0c'.repeat(12)}`, secret: 'mdb_sa_sk_0123456789abcdefghijklmnop' };
  await using plane = await startControlPlane({ bootstrapping: { serviceAccount } });
  const credentials = Buffer.from(`${serviceAccount.clientId}:${serviceAccount.secret}`).toString('base64');
  const token = await fetch(`${plane.url}/api/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials',
  });
  const bearer = ((await token.json()) as { access_token: string }).access_token;
  const headers = `Host: x\r\nConnection: close\r\nAuthorization: Bearer ${bearer}\r\nAccept: ${ATLAS}\r\n`;
  const answer = await exchange(plane, `GET http://other/api/atlas/v2/orgs HTTP/1.1\r\n${headers}\r\n`);
  assert.equal(answer.status, 200);
  const [self] = answer.json.links as { href: string }[];
  assert.equal(self?.href, `${plane.url}/api/atlas/v2/orgs?includeCount=true&pageNum=1&itemsPerPage=100`);
});
