import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startHostileServer } from '../support/hostile-server.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { childrenOf } from '../support/process-status.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { RegisteringServer } from './registering-server.ts';

checkForLeaks();

/** Registers a destination that never answers, and waits until the server connects to it. */
async function dialSilence(server: RegisteringServer) {
  const hostile = await startHostileServer({ kind: 'silence' });
  const tenant = await server.tenant('a');
  const registered = tenant.register('C1', hostile.uri);
  registered.catch(() => undefined);
  await eventually(() => hostile.asked > 0, { what: 'the destination to be dialled' });
  const [pid = 0, ...others] = childrenOf(server.process.pid);
  assert.deepEqual(others, []);
  return { hostile, registered, pid, [Symbol.asyncDispose]: () => hostile[Symbol.asyncDispose]() };
}

const textOf = (pid: number, file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').filter(Boolean);
/** Less than the 10 s after which a dialler process ends by itself. */
const SOON_MS = 5_000;
const ended = (pid: number) =>
  eventually(() => !existsSync(`/proc/${pid}`), { what: 'the dialler process to end', deadlineMs: SOON_MS });

// id: dialler-has-no-secret
test('the dialler process has no cloud identity, no secret of the server, and no password in its environment and arguments', async () => {
  const secrets = {
    AWS_ACCESS_KEY_ID: 'canary-a',
    AWS_WEB_IDENTITY_TOKEN_FILE: '/canary-w',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://canary-f',
    AZURE_CLIENT_SECRET: 'canary-z',
    GOOGLE_APPLICATION_CREDENTIALS: '/canary-g',
    KUBERNETES_SERVICE_HOST: 'canary-k',
    SOME_TOKEN: 'canary-t',
    HOME: '/canary-h',
  };
  await using server = await RegisteringServer.start({ env: { ...secrets, NODE_EXTRA_CA_CERTS: '/nowhere.pem' } });
  await using silence = await dialSilence(server);
  const certificates = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];
  const others = textOf(silence.pid, 'environ').filter((entry) => !certificates.includes(entry.split('=', 1).join()));
  assert.deepEqual(others, []);
  const args = textOf(silence.pid, 'cmdline');
  assert.ok(!args.join(' ').includes('canary'), args.join(' '));
  assert.ok(!args.join(' ').includes(server.masterKeyFile), args.join(' '));
  // Checks what an attacker's program could do with the same permissions.
  const permitted = (program: string) =>
    spawnSync(String(args[0]), [...args.slice(1, -1), '--eval', program], { cwd: '/', encoding: 'utf8', env: {} });
  for (const program of [
    `fs.readFileSync(${JSON.stringify(server.masterKeyFile)})`,
    `fs.writeFileSync('/tmp/canary', '')`,
    `child_process.execFileSync('true')`,
    `new worker_threads.Worker('1', { eval: true })`,
  ]) {
    const { status, stderr } = permitted(program);
    assert.equal(status, 1, program);
    assert.match(stderr, /ERR_ACCESS_DENIED/, program);
  }
  assert.equal(permitted('1').status, 0);
});

test('when a dialler process is killed, only its registration fails', async () => {
  await using set = await startReplicaSet({ auth: true });
  await using server = await RegisteringServer.start();
  await using silence = await dialSilence(server);
  process.kill(silence.pid, 'SIGKILL');
  const { status, body } = await silence.registered;
  assert.deepEqual([status, body.errorCode], [503, 'DESTINATION_NOT_CHECKED'], JSON.stringify(body));
  assert.ok(!JSON.stringify(body).includes('canary'));
  const other = await server.tenant('b');
  assert.equal((await other.register('C1', set.uri)).status, 201);
  assert.match(server.process.stderr + server.process.stdout, /The destination dialler process ended.*SIGKILL/);
});

test('a dialler process ends when its server is killed', async () => {
  await using server = await RegisteringServer.start();
  await using silence = await dialSilence(server);
  process.kill(server.process.pid, 'SIGKILL');
  await ended(silence.pid);
});

test('a server that stops ends its dialler processes, and does not wait for destinations', async () => {
  await using server = await RegisteringServer.start();
  await using silence = await dialSilence(server);
  process.kill(server.process.pid, 'SIGTERM');
  let exit: object | undefined;
  void server.process.exit.then((how) => {
    exit = how;
  });
  await eventually(() => exit, { what: 'the server to end', deadlineMs: SOON_MS });
  assert.deepEqual(exit, { code: 0, signal: null });
  const { status, body } = await silence.registered;
  assert.deepEqual([status, body.errorCode], [503, 'DESTINATION_NOT_CHECKED'], JSON.stringify(body));
  assert.match(String(body.detail), /the server is stopping/);
  await ended(silence.pid);
});

test('a dialler process that hangs is killed after its timeout, and the error only says that the destination does not answer', async () => {
  await using server = await RegisteringServer.start();
  await using silence = await dialSilence(server);
  process.kill(silence.pid, 'SIGSTOP');
  const { status, body } = await silence.registered;
  assert.equal(status, 400, JSON.stringify(body));
  assert.match(String(body.detail), /no primary of a MongoDB replica set answered in time/);
  await ended(silence.pid);
});

test('a server connects only to addresses in its --allowed-destinations', async () => {
  await using set = await startReplicaSet({ auth: true });
  for (const [allowed, expected] of [
    ['db.example,10.0.0.0/8', 400],
    ['db.example,127.0.0.0/8', 201],
  ] as const) {
    await using server = await RegisteringServer.start({ args: ['--allowed-destinations', allowed] });
    const tenant = await server.tenant('a');
    const { status, body } = await tenant.register('C1', set.uri);
    assert.equal(status, expected, JSON.stringify(body));
    if (expected === 201) continue;
    assert.match(String(body.detail), /refused to connect to 127\.0\.0\.1: .*allowedDestinations/);
    assert.match(server.process.stderr + server.process.stdout, /refused to connect to 127\.0\.0\.1/);
  }
});
