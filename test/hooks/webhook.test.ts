import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { guardedLookup } from '../../src/hooks/hook-address.ts';
import { deliver, type Hook, type HookEvent, readHooks } from '../../src/hooks/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { createAuthority, withoutOpenssl } from '../support/certificates.ts';
import { HookReceiver } from '../support/hook-receiver.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { hooksFolder, newSecret } from './hooks-folder.ts';

const EVENT: HookEvent = {
  id: '6566a1b2c3d4e5f601234567',
  type: 'migration.cut_over',
  timestamp: '2026-11-01T12:00:00.000Z',
  data: { migrationId: '0123456789abcdef01234567' },
};

function hookAt(url: string, more: object = {}): Hook {
  using folder = hooksFolder();
  const entry = { name: 'pager', url, secretEnvironment: 'PAGER_SECRET', ...more };
  return onlyHook(folder.write({ hooks: [entry] }), { PAGER_SECRET: newSecret() });
}

function onlyHook(file: string, environment?: NodeJS.ProcessEnv): Hook {
  const [hook] = readHooks(file, environment).hooks;
  assert.ok(hook);
  return hook;
}

const send = (hook: Hook) => deliver(hook, EVENT, systemClock, new AbortController().signal);

test('the library of Standard Webhooks accepts a request, and refuses it when a byte, the id or the time differs', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const url = receiver.url;
  await send(onlyHook(folder.write({ hooks: [{ name: 'pager', url, secretFile: folder.secretFile }] })));
  const [request] = receiver.requests;
  assert.ok(request);
  const headers = request.headers as Record<string, string>;
  const verifier = new Webhook(folder.secret);
  assert.deepEqual(verifier.verify(request.body, headers), EVENT);
  assert.equal(headers['webhook-id'], EVENT.id);
  assert.throws(() => verifier.verify(request.body.replace('cut_over', 'expired'), headers));
  assert.throws(() => verifier.verify(request.body, { ...headers, 'webhook-id': 'another' }));
  const later = String(Number(headers['webhook-timestamp']) + 1);
  assert.throws(() => verifier.verify(request.body, { ...headers, 'webhook-timestamp': later }));
  assert.throws(() => new Webhook(newSecret()).verify(request.body, headers));
});

test('while a secret is replaced, the receiver may know the former or the new one, and the file is read at each attempt', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const { url } = receiver;
  const hook = onlyHook(folder.write({ hooks: [{ name: 'pager', url, secretFile: folder.secretFile }] }));
  const next = newSecret();
  writeFileSync(folder.secretFile, `${folder.secret}\n${next}\n`);
  await send(hook);
  const [request] = receiver.requests;
  assert.ok(request);
  for (const secret of [folder.secret, next])
    new Webhook(secret).verify(request.body, request.headers as Record<string, string>);
});

test('a redirect is not followed, and its target gets nothing', async () => {
  await using target = await HookReceiver.start();
  await using receiver = await HookReceiver.start();
  for (const status of [301, 302, 307, 308]) {
    receiver.answer = (_request, _incoming, response) =>
      void response.writeHead(status, { location: target.url }).end();
    await assert.rejects(
      send(hookAt(receiver.url)),
      /127\.0\.0\.1 answered with status 30\d, and redirects are not followed/,
    );
  }
  assert.equal(target.requests.length, 0);
});

test('an error tells the status and not what the receiver wrote or the path of its URL', async () => {
  await using receiver = await HookReceiver.start();
  receiver.answer = (_request, _incoming, response) => void response.writeHead(500).end('inner secrets');
  await assert.rejects(send(hookAt(`${receiver.url}/token-in-path`)), (error: Error) => {
    assert.equal(error.message, '127.0.0.1 answered with status 500');
    return true;
  });
});

test('an answer without end is not read, and a receiver that does not answer ends at the time limit', async () => {
  await using receiver = await HookReceiver.start();
  let written = 0;
  receiver.answer = (_request, _incoming, response) => {
    response.writeHead(200);
    const write = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536))) written += 65_536;
    };
    response.on('drain', write);
    write();
  };
  await send(hookAt(receiver.url));
  assert.ok(written < 16 * 1024 * 1024, `${written} bytes were taken`);
  receiver.answer = () => undefined;
  await assert.rejects(send(hookAt(receiver.url, { timeoutSeconds: 1 })), /no success within 1 s/);
});

test('nothing is sent to an address at which clouds give out credentials, whatever form or name it has', async () => {
  for (const host of ['169.254.169.254', '[::ffff:169.254.169.254]', '2852039166', '[fd00:ec2::254]', '0.0.0.0'])
    await assert.rejects(send(hookAt(`https://${host}/`)), /refused to connect to .*: it is a link-local, metadata/);
  // Names resolve through this function; here the name is its own address.
  for (const all of [true, false]) {
    const { promise, resolve } = Promise.withResolvers<Error | null>();
    guardedLookup('169.254.169.254', { all }, (error) => resolve(error));
    assert.match(String(await promise), /refused to connect to 169\.254\.169\.254/);
  }
});

test('the certificate of a receiver is checked, and a receiver that a trusted CA vouches for gets events', {
  skip: withoutOpenssl,
}, async () => {
  using folder = hooksFolder();
  const authority = createAuthority();
  const authorityFile = join(folder.path, 'ca.pem');
  writeFileSync(authorityFile, authority.cert);
  const { cert, key } = authority.issue();
  const taken: string[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    taken.push(String(request.headers['webhook-id']));
    response.writeHead(200).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const file = folder.write({ hooks: [{ name: 'pager', url, secretFile: folder.secretFile }] });
    await assert.rejects(send(onlyHook(file)), /certificate/);
    assert.deepEqual(taken, []);
    const env = { NODE_EXTRA_CA_CERTS: authorityFile };
    await using test = runLinkspan(['hooks', 'test', '--hooks-file', file], { env });
    assert.deepEqual(await test.exit, { code: 0, signal: null }, test.stdout + test.stderr);
    assert.equal(taken.length, 1);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
