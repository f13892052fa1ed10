import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { type Attack, compressedZeros, type HostileServer, startHostileServer } from '../support/hostile-server.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { RegisteringServer } from './registering-server.ts';

checkForLeaks();

const MEGABYTE = 1 << 20;
/** Additional memory that the server may use during an attack: answers, and garbage that is not collected yet. */
const GROWTH_BYTES = 64 * MEGABYTE;
const ATTACK_DEADLINE_MS = 60_000;

/** A document with many small fields, which takes longest to parse. */
const SIXTEEN_MEGABYTES = {
  filler: Object.fromEntries(Array.from({ length: 950_000 }, (_, index) => [`f${index}`, 1])),
};
const BOMB_BYTES = 1024 * MEGABYTE;

const NO_ANSWER = /no primary of a MongoDB replica set answered in time/;
const attacks: readonly (readonly [string, () => Promise<Attack>, RegExp])[] = [
  ['a hello of 16 MB', async () => ({ kind: 'hello', more: SIXTEEN_MEGABYTES }), /cannot be used as a destination/],
  ['a reply without end', async () => ({ kind: 'endless' }), NO_ANSWER],
  // The server must not decompress it, because that would need too much memory.
  ...(['zlib', 'zstd'] as const).map(
    (compressor) =>
      [
        `a small reply of 1 GB, compressed by ${compressor},`,
        async (): Promise<Attack> => {
          const zeros = await compressedZeros(BOMB_BYTES, compressor);
          return { kind: 'bomb', zeros, bytes: BOMB_BYTES, compressor };
        },
        NO_ANSWER,
      ] as const,
  ),
];

for (const [what, attack, expected] of attacks) {
  test(`${what} from a destination costs the server neither memory nor its other requests`, async () => {
    await using hostile = await startHostileServer(await attack());
    await using server = await RegisteringServer.start();
    const tenant = await server.tenant('a');
    await server.works();
    const before = server.mostMemory();
    let settled = false;
    const registration = tenant.register('C1', hostile.uri).finally(() => {
      settled = true;
    });
    await eventually(() => hostile.asked > 0, { what: 'the attack' });
    await server.works();
    assert.ok(!settled, 'the server answered others while the attack was under way');
    const failed: unknown[] = [];
    const isOver = async () => {
      await server.works().catch((error: unknown) => failed.push(error));
      return settled;
    };
    await eventually(isOver, { what: 'the answer', pollMs: 250 });
    assert.deepEqual(failed, []);
    const { status, body } = await registration;
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(String(body.detail), expected);
    assert.ok(!JSON.stringify(body).includes('canary'));
    const grown = server.mostMemory() - before;
    assert.ok(grown < GROWTH_BYTES, `the server took ${Math.round(grown / MEGABYTE)} MB more`);
  });
}

// id: hundred-registrations
test("a hundred parallel registrations of one organization block neither another one's registration nor the server's descriptors", async () => {
  await using set = await startReplicaSet({ auth: true });
  await using hostile = await startHostileServer({ kind: 'silence' });
  await using server = await RegisteringServer.start();
  const [attacker, other] = [await server.tenant('a'), await server.tenant('b')];
  const before = server.descriptors();
  let most = 0;
  const registrations = Array.from({ length: 100 }, (_, index) => attacker.register(`C${index}`, hostile.uri));
  await eventually(() => hostile.asked > 0, { what: 'the attack' });
  const registered = other.register('C1', set.uri);
  let settled = false;
  const all = Promise.all([registered, ...registrations]).finally(() => {
    settled = true;
  });
  all.catch(() => undefined);
  const isOver = () => {
    most = Math.max(most, server.descriptors());
    return settled;
  };
  await eventually(isOver, { what: 'every answer', deadlineMs: 2 * ATTACK_DEADLINE_MS, pollMs: 100 });
  const [taken, ...refused] = await all;
  assert.equal(taken?.status, 201, JSON.stringify(taken?.body));
  for (const { status } of refused) assert.ok([400, 503].includes(status), String(status));
  assert.ok(most - before < 40, `${most - before} descriptors more`);
  assert.ok(hostile.mostConnections <= 20, `${hostile.mostConnections} connections to the hostile destination`);
});

/** Makes a hello that names many servers, all with the same address. */
const naming = (servers: number, { port }: HostileServer): Attack => ({
  kind: 'hello',
  more: { hosts: Array.from({ length: servers }, (_, index) => `127.0.${1 + (index >> 8)}.${index & 255}:${port}`) },
});

test('a hello that names more servers than a replica set can have cannot open any number of connections', async () => {
  await using elsewhere = await startHostileServer({ kind: 'silence' }, '0.0.0.0');
  await using hostile = await startHostileServer(naming(400, elsewhere));
  await using server = await RegisteringServer.start();
  const tenant = await server.tenant('a');
  const { status, body } = await tenant.register('C1', hostile.uri);
  assert.equal(status, 400);
  assert.match(String(body.detail), /more servers than a replica set may have/);
  assert.ok(elsewhere.mostConnections <= 64, `${elsewhere.mostConnections} connections`);
});

test('a destination whose replies need more memory than allowed is refused', async () => {
  await using elsewhere = await startHostileServer({ kind: 'flood' }, '0.0.0.0');
  await using hostile = await startHostileServer(naming(20, elsewhere));
  await using server = await RegisteringServer.start();
  const tenant = await server.tenant('a');
  const { status, body } = await tenant.register('C1', hostile.uri);
  assert.equal(status, 400);
  assert.match(String(body.detail), /its answers need too much memory/);
  assert.match(server.process.stderr + server.process.stdout, /it used more than 268435456 bytes of memory/);
});

test("a destination's error text is shortened, and contains no terminal control characters", async () => {
  const errmsg = `\u001b[2J\u009b${'x'.repeat(10_000_000)}`;
  await using hostile = await startHostileServer({ kind: 'hello', refusal: { errmsg } });
  await using server = await RegisteringServer.start();
  const tenant = await server.tenant('a');
  const { status, body } = await tenant.register('C1', hostile.uri);
  assert.equal(status, 400);
  const text = JSON.stringify(body);
  assert.match(text, /xxxxx…/);
  assert.ok(text.length < 4000, `${text.length} characters`);
  assert.doesNotMatch(text, /\\u001b|\\u009b|\p{Cc}/u);
});
