import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { UpdateStreams } from '../../src/atlas-api/update-streams.ts';
import { readEvents, type StreamPart } from '../../src/contract/index.ts';
import type { Actor } from '../../src/control/index.ts';
import { createServer } from '../../src/http/index.ts';
import { silentLogger } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from './fake-clock.ts';

/** A clock on which every sleep is over at once. */
class HurriedClock extends FakeClock {
  override async sleep(ms: number): Promise<void> {
    this.nowMs += ms;
    await turn();
  }
}

/** A server with one stream of a resource that `read` returns. */
async function streaming(read: () => Promise<string>, clock: FakeClock = new HurriedClock()) {
  const app = createServer({ logger: silentLogger });
  const streams = new UpdateStreams(clock);
  const actor: Actor = { kind: 'API_KEY', name: 'reader', remoteAddress: '', orgId: '', roles: [], groupRoles: [] };
  const watched = { actor, check: async () => actor, read };
  app.get('/stream', (request, reply) => streams.answer(request, reply, watched));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      streams.close();
      await app.close();
    },
  };
}

test('a client that does not read makes the server read and keep nothing more', async () => {
  let reads = 0;
  const large = 'x'.repeat(1024 * 1024);
  await using server = await streaming(async () => {
    reads += 1;
    return `"${reads}${large}"`;
  });
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.pause();
  socket.write('GET /stream HTTP/1.1\r\nhost: x\r\n\r\n');
  let before = -1;
  const isStill = async () => {
    const same = reads > 1 && reads === before;
    before = reads;
    return same;
  };
  await eventually(isStill, { what: 'the reads to stop' });
  assert.ok(reads < 40, `${reads} MiB fit into the buffers of the two sockets`);
  socket.destroy();
});

test('a stream without changes says every ten seconds that it is alive', async () => {
  await using server = await streaming(async () => '{}');
  const answer = await fetch(`${server.url}/stream`);
  assert.ok(answer.body);
  const kinds: string[] = [];
  for await (const { kind } of readEvents(answer.body)) {
    kinds.push(kind);
    if (kinds.length === 4) break;
  }
  assert.deepEqual(kinds, ['comment', 'event', 'comment', 'comment']);
});

test('a client that reconnects gets the whole resource, unless it names the id of the present one', async () => {
  let content = 'first';
  await using server = await streaming(async () => JSON.stringify({ content, measuredAt: `${Math.random()}` }));
  const firstPart = async (lastId: string) => {
    const answer = await fetch(`${server.url}/stream`, { headers: { 'last-event-id': lastId } });
    assert.ok(answer.body);
    const parts: StreamPart[] = [];
    for await (const part of readEvents(answer.body)) {
      parts.push(part);
      if (parts.length === 2) break;
    }
    return parts[1];
  };
  const whole = await firstPart('');
  assert.ok(whole?.kind === 'event' && JSON.parse(whole.data).content === 'first');
  assert.equal((await firstPart(whole.id))?.kind, 'comment');
  content = 'second';
  const next = await firstPart(whole.id);
  assert.ok(next?.kind === 'event' && JSON.parse(next.data).content === 'second');
});

test('streams of one account about one resource share each look at it', async () => {
  let reads = 0;
  const clock = new FakeClock();
  const sleeps: (() => void)[] = [];
  clock.sleep = async (_ms, signal) =>
    await new Promise<void>((resolve) => {
      sleeps.push(resolve);
      signal?.addEventListener('abort', () => resolve());
    });
  await using server = await streaming(async () => {
    reads += 1;
    return `"${reads}"`;
  }, clock);
  const streams = await Promise.all(Array.from({ length: 20 }, () => fetch(`${server.url}/stream`)));
  await eventually(() => sleeps.length === 20, { what: 'all streams to wait' });
  assert.equal(reads, 20, 'each client sees what it has changed before');
  clock.nowMs += 1_000;
  for (const wake of sleeps.splice(0)) wake();
  await eventually(() => sleeps.length === 20, { what: 'all streams to wait again' });
  await Promise.all(streams.map(({ body }) => body?.cancel()));
  assert.equal(reads, 21);
});
