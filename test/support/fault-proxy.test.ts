import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { eventually } from './eventually.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { checkForLeaks } from './leak-check.ts';

interface Echo extends AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly client: Socket;
  /** Sends bytes and resolves when as many have come back, with the elapsed time. */
  roundTripMs(bytes: number): Promise<number>;
}

/** An echo server, a proxy in front of it, and a client of the proxy. */
async function startEcho(): Promise<Echo> {
  const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startFaultProxy((server.address() as AddressInfo).port);
  const client = connect(proxy.port, '127.0.0.1');
  await once(client, 'connect');
  client.on('error', () => undefined);
  let received = 0;
  client.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  return {
    proxy,
    client,
    roundTripMs: async (bytes) => {
      const [start, expected] = [performance.now(), received + bytes];
      client.write(Buffer.alloc(bytes));
      await eventually(() => received === expected, { what: `${bytes} bytes`, deadlineMs: 5_000 });
      return performance.now() - start;
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await proxy[Symbol.asyncDispose]();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Resolves when a connection has ended, for any reason. */
function closing(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe('the fault proxy', () => {
  checkForLeaks();

  it('passes bytes in both directions', async () => {
    await using echo = await startEcho();
    assert.ok((await echo.roundTripMs(1_000_000)) < 2_000);
  });

  it('adds latency to each direction, and none after that fault', async () => {
    await using echo = await startEcho();
    echo.proxy.set({ latencyMs: 200 });
    assert.ok((await echo.roundTripMs(10)) >= 390);
    echo.proxy.set({});
    assert.ok((await echo.roundTripMs(10)) < 190);
  });

  it('limits the bytes per second', async () => {
    await using echo = await startEcho();
    echo.proxy.set({ bytesPerSecond: 1_000_000 });
    assert.ok((await echo.roundTripMs(500_000)) >= 490);
  });

  it('delivers the bytes of a black hole when it ends', async () => {
    await using echo = await startEcho();
    echo.proxy.set({ blackHole: true });
    const trip = echo.roundTripMs(10);
    const meanwhile = await Promise.race([
      trip,
      eventually(() => false, { what: 'nothing', deadlineMs: 300 }).catch(() => 'held'),
    ]);
    assert.equal(meanwhile, 'held');
    echo.proxy.set({});
    await trip;
  });

  it('cuts open connections, and refuses new ones until it is restored', async () => {
    await using echo = await startEcho();
    await echo.roundTripMs(10);
    const closed = closing(echo.client);
    echo.proxy.cut();
    await closed;
    const refused = connect(echo.proxy.port, '127.0.0.1');
    await closing(refused);
    echo.proxy.restore();
    const accepted = connect(echo.proxy.port, '127.0.0.1');
    accepted.write('hello');
    assert.equal(String((await once(accepted, 'data'))[0]), 'hello');
    accepted.destroy();
  });
});
