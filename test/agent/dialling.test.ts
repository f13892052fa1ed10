import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { destinationAddress } from '../../src/agent/destination-address.ts';
import { guardDialling, isNeverDialled } from '../../src/agent/dial-guard.ts';
import { inspectCluster } from '../../src/engine/index.ts';
import { startReplicaSet } from '../support/replica-set.ts';

test('metadata, link-local, multicast and unspecified addresses are never dialled; private and public ones are', () => {
  const never = [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    'fe80::1%eth0',
    'fd00:ec2::254',
    '100.100.100.200',
    '0.0.0.0',
    '::',
    '239.1.1.1',
    '255.255.255.255',
    'ff02::1',
  ];
  for (const address of never) assert.ok(isNeverDialled(address), address);
  for (const address of [
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '192.168.1.1',
    '172.16.0.1',
    '203.0.113.9',
    'fd12::1',
    '2001:db8::1',
  ]) {
    assert.ok(!isNeverDialled(address), address);
  }
});

test('a connection to a refused address says nothing there, whether it was dialled by name or address, with TLS or without', async () => {
  let heard = 0;
  await using server = createServer((socket) =>
    socket.on('data', ({ length }) => (heard += length)).on('error', () => undefined),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  const dialled = async (host: string, withTls: boolean) => {
    const socket = withTls
      ? connectTls({ host, port, rejectUnauthorized: false })
      : connect(port, host, () => socket.write('hello'));
    const [error] = await once(socket, 'error');
    return String(error);
  };
  {
    const told: string[] = [];
    using _guard = guardDialling(
      (address) => told.push(address),
      (address) => address === '127.0.0.1',
    );
    for (const host of ['127.0.0.1', 'localhost'])
      for (const withTls of [false, true])
        assert.match(await dialled(host, withTls), /connects to no .* \(127\.0\.0\.1\)/);
  }
  assert.equal(heard, 0);
  const free = connect(port, '127.0.0.1');
  await once(free, 'connect');
  free.destroy();
});

test('a member that a cluster names is refused like an address of the connection string', async () => {
  await using cluster = await startReplicaSet();
  const [, host = '', options = ''] = /^mongodb:\/\/([^/]+)\/\?(.*)$/.exec(cluster.uri) ?? [];
  // Another address of this machine stands for a seed that is all right. A thread of its own is not guarded.
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
  using _guard = guardDialling(
    (address) => told.push(address),
    (address) => address === '127.0.0.1',
  );
  const uri = `mongodb://127.0.0.2:${port}/?${options}&serverSelectionTimeoutMS=500`;
  await assert.rejects(inspectCluster({ uri }), { code: 'SOURCE_UNREACHABLE' });
  assert.ok(told.length > 0 && told.every((address) => address === '127.0.0.1'), String(told));
});

test("a destination's connection string may not reach for files, credentials, proxies or sockets of the agent's machine", () => {
  const uri = (options: string, host = 'db.example') => `mongodb://u:p@${host}/?${options}`;
  for (const option of [
    'tlsCAFile=/x',
    'tlsCertificateKeyFile=/x',
    'TLSINSECURE=true',
    'tlsAllowInvalidHostnames=true',
    'sslValidate=false',
    'proxyHost=h',
    'authMechanism=MONGODB-AWS',
    'authMechanism=GSSAPI',
    'authMechanismProperties=A:b',
    'srvServiceName=x',
  ]) {
    const [name] = option.split('=');
    assert.throws(() => destinationAddress({ uri: uri(option) }), {
      code: 'DESTINATION_OPTION_REFUSED',
      parameters: [name],
    });
  }
  assert.throws(() => destinationAddress({ uri: uri('', '%2Ftmp%2Fmongodb.sock') }), {
    code: 'DESTINATION_OPTION_REFUSED',
  });
  const good = uri('replicaSet=rs&tls=true&ssl=true&authSource=admin&authMechanism=SCRAM-SHA-256&maxPoolSize=5');
  assert.equal(destinationAddress({ uri: good }).uri, good);
});
