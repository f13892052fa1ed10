import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type LookupFunction } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { inspectCluster } from '../../src/engine/index.ts';
import { dialAsOwn, guardDialling } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A server of this machine that counts its connections and received bytes. */
async function startListener() {
  const heard = { connections: 0, bytes: 0 };
  const server = createServer((socket) => {
    heard.connections += 1;
    socket.on('data', ({ length }) => (heard.bytes += length)).on('error', () => undefined);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  return { heard, port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Whether a connection was established; false when the guard closed it. @param resolved  address to which a name resolves */
async function dial(port: number, host: string, { withTls = false, resolved = '127.0.0.1' } = {}): Promise<boolean> {
  const lookup: LookupFunction = (_host, { all }, done) =>
    all ? done(null, [{ address: resolved, family: 4 }]) : done(null, resolved, 4);
  const socket = withTls
    ? connectTls({ host, port, lookup, rejectUnauthorized: false })
    : connect({ host, port, lookup }, () => socket.destroyed || socket.write('hello'));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  // The guard closes a refused connection before its `connect` event.
  const wasRefused = socket.destroyed;
  if (wasRefused) assert.match(String(socket.errored), /refused to connect to/);
  socket.destroy();
  return !wasRefused;
}

test('this machine is refused unless its address is allowed, for any name, with and without TLS', async () => {
  await using listener = await startListener();
  const { port, heard } = listener;
  const told: string[] = [];
  const refused = [undefined, ['localhost', 'db.example'], ['10.0.0.0/8'], ['*.example']];
  for (const allowedDestinations of refused) {
    using _guard = guardDialling({ allowedDestinations }, (refusal) => told.push(refusal));
    for (const host of ['127.0.0.1', 'localhost', 'db.example'])
      for (const withTls of [false, true]) assert.ok(!(await dial(port, host, { withTls })), host);
  }
  assert.match(
    told.at(-1) ?? '',
    /^refused to connect to db\.example \(127\.0\.0\.1\): it is an address of this machine/,
  );
  assert.equal(heard.bytes, 0);
  using _guard = guardDialling({ allowedDestinations: ['127.0.0.0/8'] }, (refusal) => told.push(refusal));
  for (const host of ['127.0.0.1', 'localhost', 'db.example']) assert.ok(await dial(port, host), host);
});

test('a name is judged by the address to which it resolves', async () => {
  await using listener = await startListener();
  {
    using _guard = guardDialling({ allowedDestinations: ['127.0.0.0/30'] }, () => undefined);
    assert.ok(await dial(listener.port, 'db.example', { resolved: '127.0.0.1' }));
  }
  const told: string[] = [];
  using _guard = guardDialling({ allowedDestinations: ['127.0.0.4/30', '*.other'] }, (refusal) => told.push(refusal));
  assert.ok(!(await dial(listener.port, 'db.example', { resolved: '127.0.0.1' })));
  assert.equal(told.length, 1);
});

test('an address that the operator configured is always dialled, by exactly its name and port', async () => {
  await using listener = await startListener();
  await using other = await startListener();
  dialAsOwn(`control.example:${listener.port}`);
  using _guard = guardDialling({ allowedDestinations: ['db.example'] }, () => undefined);
  assert.ok(await dial(listener.port, 'control.example'));
  assert.ok(!(await dial(listener.port, 'db.example')));
  assert.ok(!(await dial(other.port, 'control.example')));
});

test('a Unix socket is refused', async () => {
  using folder = temporaryFolder('socket');
  const path = join(folder.path, 's');
  await using server = createServer();
  await once(server.listen(path), 'listening');
  using _guard = guardDialling({ allowedDestinations: ['0.0.0.0/0'] }, () => undefined);
  const socket = connect(path);
  const [error] = await once(socket, 'error');
  assert.match(String(error), /Unix socket/);
});

// id: reversed-destination-not-trusted
test('a member that a destination names is refused like an address in its connection string; a member of a source is not', async () => {
  // With a name it is a new one: this process may have connected to a used one by its operator's wish.
  await using cluster = await startReplicaSet({ name: 'guarded' });
  const [, host = '', options = ''] = /^mongodb:\/\/([^/]+)\/\?(.*)$/.exec(cluster.uri) ?? [];
  // Another address of this machine stands for an allowed seed. The guard does not apply to its worker thread.
  const seed = new Worker(
    `const { connect, createServer } = require('node:net');
    const { parentPort, workerData } = require('node:worker_threads');
    const server = createServer((socket) => {
      const member = connect(workerData, '127.0.0.1');
      for (const one of [socket, member]) one.on('error', () => undefined);
      socket.pipe(member).pipe(socket);
    });
    server.listen(0, '127.0.0.2', () => parentPort.postMessage(server.address().port));`,
    { eval: true, workerData: Number(host.split(':')[1]) },
  );
  await using _seed = { [Symbol.asyncDispose]: () => seed.terminate().then(() => undefined) };
  const [port] = await once(seed, 'message');
  const told: string[] = [];
  using _guard = guardDialling({ allowedDestinations: ['127.0.0.2'] }, (refusal) => told.push(refusal));
  const uri = `mongodb://127.0.0.2:${port}/?${options}`;
  await assert.rejects(inspectCluster({ uri: `${uri}&serverSelectionTimeoutMS=500` }, 'destination'), {
    code: 'DESTINATION_UNREACHABLE',
    message: /refused to connect to 127\.0\.0\.1: it is an address of this machine/,
  });
  assert.ok(told.length > 0 && told.every((refusal) => refusal.includes(' 127.0.0.1:')), String(told));
  const asDestination = { uri: `${uri}&serverSelectionTimeoutMS=500`, isExternal: true };
  await assert.rejects(
    inspectCluster(asDestination, 'source'),
    { code: 'SOURCE_UNREACHABLE' },
    'in a reversed migration',
  );
  assert.ok((await inspectCluster({ uri }, 'source')).replicaSet);
  const own = { uri, isExternal: false };
  assert.ok((await inspectCluster(own, 'destination')).replicaSet, "a digest helper's");
  await assert.rejects(inspectCluster(asDestination, 'destination'), { code: 'DESTINATION_UNREACHABLE' });
});

test('the watchdog follows the dial rules of the process that started it', async () => {
  await using listener = await startListener();
  await using sourceListener = await startListener();
  const program = new URL('../../src/engine/cutover/watchdog-process.ts', import.meta.url).pathname;
  const watchdog = spawn(process.execPath, [program], { stdio: ['pipe', 'ignore', 'ignore'] });
  await using _watchdog = {
    [Symbol.asyncDispose]: async () => void (watchdog.kill() && (await once(watchdog, 'exit'))),
  };
  const clusterAt = ({ port }: { readonly port: number }) => ({
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true&serverSelectionTimeoutMS=100`,
  });
  const claim = { id: '1', migrationId: 'a'.repeat(24), term: 1 };
  const order = { claim, source: clusterAt(sourceListener), destination: clusterAt(listener) };
  // The watchdog takes the end of the pipe as the end of the engine.
  watchdog.stdin.end(`${JSON.stringify({ ...order, dialRules: { allowedDestinations: ['db.example'], own: [] } })}\n`);
  await eventually(() => listener.heard.connections >= 2, { what: 'the watchdog to try' });
  assert.equal(listener.heard.bytes, 0);
});
