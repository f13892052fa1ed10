import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { establishLink } from '../../src/agent/establish-link.ts';
import { LinkTransport } from '../../src/agent/link-transport.ts';
import { linkedAgentsOf } from '../../src/control/index.ts';
import { keyPinOf } from '../../src/link/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { createAuthority, withoutOpenssl } from '../support/certificates.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { startControlPlane } from './control-plane.ts';

const never = new AbortController().signal;
const skip = withoutOpenssl;
const pinOf = (pem: string) => keyPinOf(new X509Certificate(pem));

test('an agent trusts only the CA that its token pins, across restarts and renewed certificates', {
  skip,
}, async () => {
  const authority = createAuthority();
  let tls = authority.issue();
  await using plane = await startControlPlane({ tls: () => tls, keyPin: pinOf(authority.cert) });
  const options = { dataDir: plane.agentDirectory, host: 'mover', clock: systemClock };
  const { client } = await establishLink({ ...options, token: await plane.newToken() }, never);
  const pollOnce = () => client.poll({ revision: null, waitSeconds: 0 });
  // A restarted server has closed the connection, which the next request detects.
  const poll = () =>
    pollOnce().catch((error) => (error.code === 'CONTROL_PLANE_UNREACHABLE' ? pollOnce() : Promise.reject(error)));
  await poll();
  const show = async (next: typeof tls) => {
    await plane.goDown();
    tls = next;
    await plane.comeBack();
  };
  await show(authority.issue());
  await poll();

  const forger = createAuthority();
  const forged = forger.issue();
  await show(forged);
  await assert.rejects(poll, { code: 'CONTROL_PLANE_UNTRUSTED' });
  await assert.rejects(poll, {
    code: 'CONTROL_PLANE_KEY_UNKNOWN',
    message: /does not present the key that the link-token pins/,
  });
  // Every server can send the CA's certificate, because it is public.
  await show({ ...forged, cert: forged.cert.replace(forger.cert, authority.cert) });
  await assert.rejects(poll, { code: 'CONTROL_PLANE_UNTRUSTED' });

  await show(authority.issue());
  const restarted = await establishLink({ ...options, token: undefined }, never);
  await restarted.client.poll({ revision: null, waitSeconds: 0 });
});

test("a token may pin the server's own key; without a pin a private CA is refused, and no token leaves the agent", {
  skip,
}, async () => {
  const tls = createAuthority().issue();
  const options = (dataDir: string) => ({ dataDir, host: 'mover', clock: systemClock });
  for (const [keyPin, code] of [
    [pinOf(tls.cert), undefined],
    [undefined, 'CONTROL_PLANE_UNTRUSTED'],
    [pinOf(createAuthority().cert), 'CONTROL_PLANE_KEY_UNKNOWN'],
  ] as const) {
    await using plane = await startControlPlane({ tls: () => tls, keyPin });
    const linking = establishLink({ ...options(plane.agentDirectory), token: await plane.newToken() }, never);
    if (code) await assert.rejects(linking, { code });
    else await linking;
    assert.equal((await linkedAgentsOf(plane.control.store, plane.orgId)).length, code ? 0 : 1);
  }
});

test('HTTPS_PROXY is used, also for a pinned server, but not for NO_PROXY and loopback', { skip }, async () => {
  await using proxy = await startConnectProxy();
  const authority = createAuthority();
  const tls = authority.issue();
  await using plane = await startControlPlane({ tls: () => tls });
  const { port } = new URL(plane.url);
  const post = (serverUrl: string, environment: NodeJS.ProcessEnv) =>
    new LinkTransport({ serverUrl, keyPin: pinOf(authority.cert), plainHttp: 'loopback' }, environment).post(
      '/link/v1/poll',
      {},
      '{}',
      AbortSignal.timeout(10_000),
    );
  const named = `https://linkspan.test:${port}`;
  const environment = { HTTPS_PROXY: proxy.url };
  assert.match((await post(named, environment)).text, /PROOF_MISSING/);
  assert.deepEqual(new Set(proxy.asked), new Set([`linkspan.test:${port}`]));
  const asked = proxy.asked.length;
  await assert.rejects(post(named, { ...environment, NO_PROXY: 'linkspan.test' }), {
    code: 'CONTROL_PLANE_UNREACHABLE',
  });
  assert.match((await post(plane.url, environment)).text, /PROOF_MISSING/);
  assert.equal(proxy.asked.length, asked);
  await assert.rejects(post(named, { HTTPS_PROXY: 'http://127.0.0.1:1' }), { code: 'CONTROL_PLANE_UNREACHABLE' });
});

test('plain HTTP to another machine is used only if the configuration allows it', () => {
  const serverUrl = 'http://10.0.0.1:8080';
  assert.throws(() => new LinkTransport({ serverUrl, plainHttp: 'loopback' }), { code: 'CONTROL_PLANE_NOT_SECURE' });
  new LinkTransport({ serverUrl, plainHttp: 'anywhere' });
});
