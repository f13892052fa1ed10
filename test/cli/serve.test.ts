import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { keyPinOf, LINK_TOKEN_PATTERN, loadSigningKey, newSigningKey, parseLinkToken } from '../../src/link/index.ts';
import { SessionClient } from '../atlas-api/session-client.ts';
import { AgentClient } from '../gateway/agent-client.ts';
import { requestAccessToken } from '../support/access-token.ts';
import { AtlasClient } from '../support/atlas-client.ts';
import { createAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { expectHookReached, type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ORG_ID = 'ab'.repeat(12);
const CREDENTIALS = {
  LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
  LINKSPAN_BOOTSTRAP_PUBLIC_KEY: 'testerkey',
  LINKSPAN_BOOTSTRAP_PRIVATE_KEY: 'a-private-key-of-the-test',
};

function serve(
  directory: string,
  more: { args?: string[]; hook?: string; env?: Record<string, string> } = {},
): LinkspanProcess {
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', directory, ...(more.args ?? [])];
  return runLinkspan(args, { env: { LINKSPAN_LOG_LEVEL: 'warn', ...more.env }, hook: more.hook });
}

async function urlOf(server: LinkspanProcess): Promise<string> {
  const [, url] = await server.waitForLine(/^linkspan serve: ready at (\S+), data in /);
  return url ?? '';
}

/** Returns what the first start printed. Two pipes have no common order: all of it may come after the line of {@link urlOf}. */
async function welcomeOf(server: LinkspanProcess): Promise<string> {
  await server.waitForLine(/^ {2}--data '/);
  return server.stdout;
}

function linkTokens(url: string, method: 'POST' | 'DELETE') {
  const { LINKSPAN_BOOTSTRAP_PUBLIC_KEY: publicKey, LINKSPAN_BOOTSTRAP_PRIVATE_KEY: privateKey } = CREDENTIALS;
  const client = new AtlasClient(url, publicKey, privateKey);
  const body = method === 'POST' ? { accessListIps: [] } : undefined;
  return client.request<{ linkToken: string }>(method, `/orgs/${ORG_ID}/liveMigrations/linkTokens`, body);
}

test('the first start prints keys and a request for a link-token that works unchanged; the second start prints nothing', async () => {
  using folder = temporaryFolder('serve');
  let shown = '';
  {
    await using server = serve(folder.path);
    await urlOf(server);
    shown = await welcomeOf(server);
    const command = shown.slice(shown.indexOf('curl --user'));
    const answer = execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    assert.match(answer, /HTTP\/1\.1 201 Created/);
    assert.match(answer, LINK_TOKEN_PATTERN);
    server.kill('SIGTERM');
    assert.deepEqual(await server.exit, { code: 0, signal: null });
  }
  await using again = serve(folder.path);
  const url = await urlOf(again);
  assert.equal(again.stdout, '');
  const [, user = ''] = /--user '([^']+)'/.exec(shown) ?? [];
  const [publicKey = '', privateKey = ''] = user.split(':');
  assert.equal((await new AtlasClient(url, publicKey, privateKey).request('GET', '/orgs')).status, 200);
});

test('the first private key and client secret come from files, and the printed request reads them there', async () => {
  using folder = temporaryFolder('serve');
  const file = (name: string, text: string, mode = 0o600) => {
    writeFileSync(join(folder.path, name), text, { mode });
    return join(folder.path, name);
  };
  const clientId = `mdb_sa_id_${'1'.repeat(24)}`;
  const secret = `mdb_sa_sk_${'2'.repeat(40)}`;
  const env = {
    LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
    LINKSPAN_BOOTSTRAP_PUBLIC_KEY: 'testerkey',
    LINKSPAN_BOOTSTRAP_PRIVATE_KEY_FILE: file("tester's key", `${CREDENTIALS.LINKSPAN_BOOTSTRAP_PRIVATE_KEY}\n`),
    LINKSPAN_BOOTSTRAP_CLIENT_ID: clientId,
    LINKSPAN_BOOTSTRAP_CLIENT_SECRET_FILE: file('secret', secret),
  };
  const data = join(folder.path, 'data');
  {
    await using server = serve(data, { env });
    const url = await urlOf(server);
    const shown = await welcomeOf(server);
    assert.ok(!shown.includes(CREDENTIALS.LINKSPAN_BOOTSTRAP_PRIVATE_KEY));
    const command = shown.slice(shown.indexOf('curl --user'));
    const answer = execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    assert.match(answer, LINK_TOKEN_PATTERN);
    assert.equal((await requestAccessToken(url, `${clientId}:${secret}`)).status, 200);
  }
  const refused = async (more: Record<string, string>, reason: RegExp) => {
    await using server = serve(data, { env: { ...env, ...more } });
    assert.equal((await server.exit).code, 2);
    assert.match(server.stderr, reason);
  };
  const KEY_FILE = 'LINKSPAN_BOOTSTRAP_PRIVATE_KEY_FILE';
  await refused({ [KEY_FILE]: file('open', 'a-private-key-of-the-test', 0o644) }, /mode is 644/);
  await refused({ [KEY_FILE]: join(folder.path, 'absent') }, /ENOENT/);
  await refused({ LINKSPAN_BOOTSTRAP_PRIVATE_KEY: 'a-private-key-of-the-test' }, /exclude each other/);
});

test('a sign-in link is printed only when it is asked for, and only where no one else can reach the server', async () => {
  using folder = temporaryFolder('serve');
  await using server = serve(folder.path, { args: ['--sign-in-link'], env: CREDENTIALS });
  const url = await urlOf(server);
  const [, token = ''] = await server.waitForLine(/^http:\S+\/#\/link\/([\w-]{43})$/);
  assert.ok(!server.stderr.includes(token), 'no log keeps it');
  const client = new SessionClient(url);
  const answer = await client.send('POST', '/api/session', { headers: { authorization: `Linkspan-Link ${token}` } });
  assert.equal(JSON.parse(answer.text).name, CREDENTIALS.LINKSPAN_BOOTSTRAP_PUBLIC_KEY);

  using other = temporaryFolder('serve');
  const args = ['--sign-in-link', '--listen', '0.0.0.0:0', '--plain-http', 'anywhere'];
  await using elsewhere = serve(other.path, { args });
  assert.equal((await elsewhere.exit).code, 2);
  assert.match(elsewhere.stderr, /0\.0\.0\.0:0 can be reached from other machines\. Listen on 127\.0\.0\.1/);
});

test('secrets in the data directory are sealed or hashed, in files that only their owner can read', async () => {
  using folder = temporaryFolder('serve');
  const directory = join(folder.path, 'data');
  {
    await using server = serve(directory, { env: CREDENTIALS });
    const { body } = await linkTokens(await urlOf(server), 'POST');
    const secret = body.linkToken.split('_')[2] ?? '';
    server.kill('SIGINT');
    assert.equal((await server.exit).code, 0);
    assert.ok(!server.stdout.includes(CREDENTIALS.LINKSPAN_BOOTSTRAP_PRIVATE_KEY));
    for (const file of readdirSync(directory)) {
      assert.equal(statSync(join(directory, file)).mode & 0o077, 0, file);
      const bytes = readFileSync(join(directory, file));
      assert.ok(!bytes.includes(secret) && !bytes.includes(CREDENTIALS.LINKSPAN_BOOTSTRAP_PRIVATE_KEY), file);
    }
  }
});

test('a link-token survives kill -9 right after its 201, and can be redeemed', async () => {
  using folder = temporaryFolder('serve');
  let token = '';
  {
    await using server = serve(folder.path, { env: CREDENTIALS });
    const { body, status } = await linkTokens(await urlOf(server), 'POST');
    server.kill('SIGKILL');
    assert.equal(status, 201);
    token = body.linkToken;
    await server.exit;
  }
  await using again = serve(folder.path, { env: CREDENTIALS });
  assert.equal((await new AgentClient(await urlOf(again)).redeem(token)).status, 201);
});

test('a server that is killed between commit and answer has created the link-token', async () => {
  using folder = temporaryFolder('serve');
  {
    await using server = serve(folder.path, { env: CREDENTIALS, hook: 'control.link-token.committed=kill' });
    await assert.rejects(linkTokens(await urlOf(server), 'POST'));
    await expectHookReached(server);
  }
  await using again = serve(folder.path, { env: CREDENTIALS });
  const url = await urlOf(again);
  assert.equal((await linkTokens(url, 'DELETE')).status, 204);
  assert.equal((await linkTokens(url, 'DELETE')).status, 404);
});

test('a server that is killed during a redemption leaves exactly one outcome: the same agent is accepted, another is not', async () => {
  using folder = temporaryFolder('serve');
  const key = loadSigningKey(newSigningKey());
  let token = '';
  {
    await using server = serve(folder.path, { env: CREDENTIALS, hook: 'control.redemption.committed=kill' });
    const url = await urlOf(server);
    token = (await linkTokens(url, 'POST')).body.linkToken;
    await assert.rejects(new AgentClient(url, key).redeem(token));
    await expectHookReached(server);
  }
  await using again = serve(folder.path, { env: CREDENTIALS });
  const url = await urlOf(again);
  assert.equal((await new AgentClient(url).redeem(token)).status, 409);
  assert.equal((await new AgentClient(url, key).redeem(token)).status, 201);
});

test('a server that cannot start prints one message with its remedy, and exits with 2', async () => {
  using folder = temporaryFolder('serve');
  await using occupied = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => occupied.once('listening', resolve));
  const address = occupied.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const cases = [
    [['--listen', `127.0.0.1:${port}`], /already in use.*\[PORT_IN_USE\]/],
    [['--listen', '0.0.0.0:0'], /unencrypted.*\[PLAIN_HTTP_REFUSED\]/],
    [['--listen', 'nowhere'], /--listen nowhere is not of the form host:port.*\[USAGE\]/],
    [['--tls-cert-file', '/none'], /needs both.*\[USAGE\]/],
    [['--public-url', 'https://host/path'], /--public-url.*\[USAGE\]/],
    [['--bootstrap-org-id', 'XYZ'], /24 lower-case hexadecimal digits.*\[USAGE\]/],
    [['--data-dir', '/dev/null/x'], /cannot be used.*\[DATA_DIRECTORY_UNUSABLE\]/],
    [['--unknown'], /unknown option/],
    [['--plain-http', 'yes'], /--plain-http is loopback or anywhere, not yes.*\[USAGE\]/],
    [['--trusted-proxies', '10.0.0.0/99'], /--trusted-proxies needs addresses.*\[USAGE\]/],
    [['--tls-pin', 'key'], /--tls-pin needs --tls-cert-file.*\[USAGE\]/],
    [['--link-token-hours', '-1'], /--link-token-hours is a number of hours or never, not -1.*\[USAGE\]/],
    [['--digest-algorithms', 'MD5,SHA-1'], /--digest-algorithms.*\[USAGE\]/],
    [['--bootstrap-client-id', 'mdb_sa_id_1'], /needs both.*\[USAGE\]/],
  ] as const;
  await Promise.all(
    cases.map(async ([args, message], at) => {
      await using server = serve(join(folder.path, String(at)), { args: [...args] });
      assert.deepEqual(await server.exit, { code: 2, signal: null }, server.stderr);
      assert.match(server.stderr, message);
      assert.equal(server.stdout, '');
    }),
  );
});

test('a data directory is refused to a second server, to another master key and to other first credentials', async () => {
  using folder = temporaryFolder('serve');
  const directory = join(folder.path, 'data');
  const refused = async (message: RegExp, env: Record<string, string>) => {
    await using server = serve(directory, { env });
    assert.equal((await server.exit).code, 2);
    assert.match(server.stderr, message);
  };
  {
    await using server = serve(directory, { env: CREDENTIALS });
    await urlOf(server);
    await refused(/\[DATA_DIRECTORY_IN_USE\]/, CREDENTIALS);
  }
  await refused(/\[BOOTSTRAP_MISMATCH\]/, { ...CREDENTIALS, LINKSPAN_BOOTSTRAP_ORG_ID: 'cd'.repeat(12) });
  await refused(/\[BOOTSTRAP_MISMATCH\]/, { ...CREDENTIALS, LINKSPAN_BOOTSTRAP_PRIVATE_KEY: 'another-private-key' });
  const otherKey = join(folder.path, 'other.key');
  writeFileSync(otherKey, randomBytes(32).toString('base64url'), { mode: 0o600 });
  await refused(/not the key that sealed this data directory.*\[MASTER_KEY_UNUSABLE\]/, {
    LINKSPAN_MASTER_KEY_FILE: otherKey,
  });
  rmSync(join(directory, 'master.key'));
  await refused(/\[MASTER_KEY_UNUSABLE\]/, {});
});

test('a token contains the public URL if one is set', async () => {
  using folder = temporaryFolder('serve');
  await using server = serve(folder.path, { env: { ...CREDENTIALS, LINKSPAN_PUBLIC_URL: 'https://linkspan.example' } });
  const { body } = await linkTokens(await urlOf(server), 'POST');
  assert.match(await welcomeOf(server), /POST 'https:\/\/linkspan\.example\/api\/atlas\/v1\.0/);
  assert.equal(parseLinkToken(body.linkToken).serverUrl, 'https://linkspan.example');
});

const withoutTools = ['curl', 'openssl'].find((tool) => spawnSync(tool, ['version']).error !== undefined);

/** Creates a certificate for loopback and its key, as `cert.pem` and `key.pem` in a folder. */
function makeCertificate(folder: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-days', '2', ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  return { cert, key };
}

/** Sends a request that trusts only this certificate. @throws if the server has another one */
function openApiWith(cert: string, port: string): string {
  const url = `https://127.0.0.1:${port}/openapi.json`;
  return execFileSync('curl', ['--silent', '--noproxy', '*', '--cacert', cert, url], { encoding: 'utf8' });
}

test('a server with a certificate serves HTTPS, also beyond loopback, and loads a renewed certificate while it runs', {
  skip: withoutTools && `${withoutTools} is not installed`,
}, async () => {
  using folder = temporaryFolder('serve');
  using former = temporaryFolder('former');
  using renewed = temporaryFolder('renewed');
  const used = makeCertificate(folder.path);
  const old = join(former.path, 'cert.pem');
  copyFileSync(used.cert, old);
  const args = ['--listen', '0.0.0.0:0', '--tls-cert-file', used.cert, '--tls-key-file', used.key];
  await using server = serve(join(folder.path, 'data'), { args });
  const port = new URL(await urlOf(server)).port;
  assert.match(openApiWith(old, port), /"openapi":"3\.1\.0"/);

  const next = makeCertificate(renewed.path);
  copyFileSync(next.cert, used.cert);
  await server.waitForLine(/the renewed certificate cannot be used: the old one stays in use/);
  assert.match(openApiWith(old, port), /openapi/, 'the new certificate with the old key is no pair');
  copyFileSync(next.key, used.key);
  await eventually(() => openApiWith(next.cert, port), { what: 'the renewed certificate' });
  assert.throws(() => openApiWith(old, port));
});

test("with a private CA a link-token contains the pin of the server's key or of the CA", {
  skip: withoutTools && `${withoutTools} is not installed`,
}, async () => {
  using folder = temporaryFolder('serve');
  const authority = createAuthority();
  const { cert, key } = authority.issue();
  const [certFile, keyFile, caFile] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(folder.path, name));
  writeFileSync(certFile ?? '', cert);
  writeFileSync(keyFile ?? '', key);
  writeFileSync(caFile ?? '', authority.cert);
  const tls = ['--tls-cert-file', certFile ?? '', '--tls-key-file', keyFile ?? ''];
  for (const [which, pinned] of [
    ['key', cert],
    ['ca', authority.cert],
  ] as const) {
    const args = [...tls, '--tls-pin', which];
    await using server = serve(join(folder.path, which), { args });
    await urlOf(server);
    const shown = await welcomeOf(server);
    const command = shown.slice(shown.indexOf('curl --user')).replace('curl', `curl --cacert ${caFile}`);
    const answer = execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const token = LINK_TOKEN_PATTERN.exec(answer)?.[0] ?? '';
    assert.equal(parseLinkToken(token).keyPin, keyPinOf(new X509Certificate(pinned)), which);
  }
});

test('plain HTTP beyond loopback is served only if a flag allows it', async () => {
  using folder = temporaryFolder('serve');
  await using server = serve(folder.path, { args: ['--listen', '0.0.0.0:0', '--plain-http', 'anywhere'] });
  const { port } = new URL(await urlOf(server));
  assert.equal((await fetch(`http://127.0.0.1:${port}/openapi.json`)).status, 200);
});

test('a service account of the environment gets tokens, also after a later start, and another secret is refused', async () => {
  using folder = temporaryFolder('serve');
  const account = {
    LINKSPAN_BOOTSTRAP_CLIENT_ID: `mdb_sa_id_${'0a'.repeat(12)}`,
    LINKSPAN_BOOTSTRAP_CLIENT_SECRET: 'mdb_sa_sk_0123456789abcdefghijklmnopqrstuvwxyz',
  };
  {
    await using server = serve(folder.path, { env: CREDENTIALS });
    await urlOf(server);
    server.kill('SIGTERM');
    await server.exit;
  }
  {
    await using server = serve(folder.path, { env: { ...CREDENTIALS, ...account } });
    const { LINKSPAN_BOOTSTRAP_CLIENT_ID: id, LINKSPAN_BOOTSTRAP_CLIENT_SECRET: secret } = account;
    assert.equal((await requestAccessToken(await urlOf(server), `${id}:${secret}`)).status, 200);
    server.kill('SIGTERM');
    await server.exit;
  }
  const env = { ...account, LINKSPAN_BOOTSTRAP_CLIENT_SECRET: 'x'.repeat(40) };
  await using other = serve(folder.path, { env });
  assert.equal((await other.exit).code, 2);
  assert.match(other.stderr, /\[BOOTSTRAP_MISMATCH\]/);
});
