import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { readChallenge } from '../../src/digest/challenge.ts';
import { type DigestAlgorithm, DigestClient, DigestSession } from '../../src/digest/index.ts';
import { parseDigestHeader } from '../../src/http/digest/header.ts';
import { DigestAuthenticator, digestSecrets } from '../../src/http/index.ts';
import { FakeClock } from '../atlas-api/fake-clock.ts';

const KEY = ['abcdefgh', 'private'] as const;

/** A server that answers 200 to requests with valid credentials, and counts all requests. */
async function startServer(algorithms: readonly DigestAlgorithm[] = ['MD5']) {
  const clock = new FakeClock();
  const account = { secrets: digestSecrets(...KEY) };
  const newAuthenticator = () =>
    new DigestAuthenticator({ nonceKey: randomBytes(32), find: async () => account, clock, algorithms });
  let authenticator = newAuthenticator();
  const seen: (string | undefined)[] = [];
  const server = createServer(async ({ method = '', url = '', headers: { authorization } }, response) => {
    seen.push(authorization);
    const outcome = await authenticator.authenticate(method, url, authorization);
    if ('account' in outcome) response.end('in');
    else response.writeHead(401, { 'www-authenticate': authenticator.challenges(outcome.stale) }).end('out');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    clock,
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Replaces the key that signs nonces, so that the server knows none of its earlier nonces. */
    replaceNonceKey: () => {
      authenticator = newAuthenticator();
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('the client asks for a nonce once and uses it for all later requests, also for parallel ones', async () => {
  for (const algorithms of [['MD5'], ['SHA-256'], ['SHA-256', 'MD5']] as const) {
    await using server = await startServer(algorithms);
    const client = new DigestClient(server.url, ...KEY);
    const send = async (at: number) => (await client.fetch(`/a?b=${at}`, { method: 'POST', body: '{}' })).status;
    for (const at of [1, 2, 3]) assert.equal(await send(at), 200);
    const statuses = await Promise.all(Array.from({ length: 30 }, (_, at) => send(at)));
    assert.deepEqual([...new Set(statuses)], [200]);
    assert.equal(server.seen.length, 34);
    assert.equal(server.seen.filter((authorization) => authorization === undefined).length, 1);
    assert.match(server.seen.at(-1) ?? '', new RegExp(`algorithm=${algorithms[0]}`));
  }
});

test('the client renews a nonce that is too old, or that the server can no longer verify', async () => {
  await using server = await startServer();
  const client = new DigestClient(server.url, ...KEY);
  const status = async () => (await client.fetch('/')).status;
  assert.equal(await status(), 200);
  server.clock.nowMs += 301_000;
  assert.equal(await status(), 200);
  server.replaceNonceKey();
  assert.equal(await status(), 200);
  assert.equal(server.seen.length, 6);
});

test('the client sends wrong credentials once for each call, and returns the refusal', async () => {
  await using server = await startServer();
  const client = new DigestClient(server.url, KEY[0], 'wrong');
  for (const calls of [1, 2, 3]) {
    const answer = await client.fetch('/');
    assert.deepEqual([answer.status, await answer.text()], [401, 'out']);
    assert.equal(server.seen.filter((authorization) => authorization !== undefined).length, calls);
  }
});

test('the client answers the first challenge that it supports', () => {
  const md5 = { realm: 'r', nonce: 'n', algorithm: 'MD5', opaque: undefined };
  const sha256 = { ...md5, algorithm: 'SHA-256' };
  const cases: [header: string, read: object | undefined][] = [
    ['Digest realm="r", nonce="n", qop="auth", algorithm=MD5', md5],
    ['digest realm=r,nonce=n', md5],
    ['Digest nonce="n", realm="r", qop="auth-int, auth", algorithm="sha-256", stale=TRUE', sha256],
    ['Negotiate, Basic realm="x", Digest realm="r", nonce="n", qop="auth"', md5],
    ['Digest realm="r", nonce="n", algorithm=SHA-256, Digest realm="r", nonce="n", algorithm=MD5', sha256],
    ['Digest realm="r", nonce="n", algorithm=MD5-sess, Digest realm="r", nonce="n", algorithm=MD5', md5],
    ['Digest realm="a \\"b\\", c=\\\\", nonce="n", opaque="o"', { ...md5, realm: 'a "b", c=\\', opaque: 'o' }],
    ['Digest realm="r", nonce="n", algorithm=SHA-512-256', undefined],
    ['Digest realm="r", nonce="n", qop="auth-int"', undefined],
    ['Digest realm="r"', undefined],
    ['Basic realm="r", nonce="n"', undefined],
    ['', undefined],
  ];
  for (const [header, read] of cases) assert.deepEqual(readChallenge(header), read, header);
});

test('the client escapes quotes and sends an opaque value back', () => {
  const session = new DigestSession('a "b\\', 'key');
  assert.equal(session.authorization('GET', '/'), undefined);
  assert.ok(session.accept('Digest realm="r \\"s\\"", nonce="n", opaque="o", qop="auth"'));
  const authorization = session.authorization('GET', '/') ?? '';
  assert.match(authorization, /, opaque="o"$/);
  const { username, realm, nc } = parseDigestHeader(authorization) ?? {};
  assert.deepEqual([username, realm, nc], ['a "b\\', 'r "s"', '00000001']);
  assert.equal(parseDigestHeader(session.authorization('GET', '/') ?? '')?.nc, '00000002');
});
