import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { establishLink } from '../../src/agent/establish-link.ts';
import { formatLinkToken, parseLinkToken, sealTo, type WantedAgentState } from '../../src/link/index.ts';
import { FakeClock } from '../atlas-api/fake-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startControlPlane } from './control-plane.ts';

interface Exchange {
  readonly path: string;
  readonly body: string;
  readonly status: number;
  readonly answer: string;
}

/** An attacker that terminates TLS between agent and control plane. It reads all traffic and can forge answers. */
class Middle implements AsyncDisposable {
  readonly #server: Server;
  /** Returns the forged status and body; default: the real ones. */
  forge: (exchange: Exchange) => Pick<Exchange, 'status' | 'answer'> = (exchange) => exchange;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async before(url: () => string): Promise<Middle> {
    const middle: Middle = new Middle(
      createServer(async (request, response) => {
        const body = await textOf(request);
        const path = request.url ?? '';
        const headers = Object.entries(request.headers).filter(([name]) => /^(linkspan-|content-type)/.test(name));
        const true_ = await fetch(url() + path, {
          method: 'POST',
          body,
          headers: Object.fromEntries(headers) as Record<string, string>,
        });
        const { status, answer } = middle.forge({ path, body, status: true_.status, answer: await true_.text() });
        response.writeHead(status, { 'linkspan-answer': true_.headers.get('linkspan-answer') ?? '' }).end(answer);
      }),
    );
    middle.#server.listen(0, '127.0.0.1');
    await once(middle.#server, 'listening');
    return middle;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

async function linkThrough(middle: Middle, token: string, dataDir: string) {
  const through = formatLinkToken({ ...parseLinkToken(token), serverUrl: middle.url });
  const signal = new AbortController().signal;
  const clock = new FakeClock();
  clock.nowMs = Date.now();
  return await establishLink({ dataDir, host: 'mover', token: through, clock }, signal);
}

const POLL = { revision: null, waitSeconds: 0 };

test("an order that an attacker on the path seals to the request's key is not executed", async () => {
  await using plane = await startControlPlane();
  await using middle = await Middle.before(() => plane.url);
  using folder = temporaryFolder('agent');
  const { client } = await linkThrough(middle, await plane.newToken(), folder.path);
  assert.deepEqual((await client.poll(POLL)).validations, []);
  const order: WantedAgentState = {
    revision: 'forged',
    serverKeys: ['x'.repeat(43)],
    validations: [
      {
        id: 'a'.repeat(24),
        assignment: {
          source: { projectId: '0'.repeat(24), clusterName: 'orders', ssl: false },
          destination: { uri: 'mongodb://attacker.example/' },
          dropDestination: true,
        },
      },
    ],
    migrations: [],
    watches: [],
  };
  middle.forge = ({ body }) => {
    const { answerKey } = JSON.parse(body) as { answerKey: string };
    return { status: 200, answer: JSON.stringify({ sealed: sealTo(answerKey, JSON.stringify(order)) }) };
  };
  await assert.rejects(client.poll(POLL), { code: 'CONTROL_PLANE_ANSWER_UNSIGNED' });
});

test("an attacker on the path cannot end a link: a refusal without the control plane's signature is ignored", async () => {
  await using plane = await startControlPlane();
  await using middle = await Middle.before(() => plane.url);
  using folder = temporaryFolder('agent');
  const { client } = await linkThrough(middle, await plane.newToken(), folder.path);
  for (const errorCode of ['LINK_DELETED', 'AGENT_UNKNOWN', 'AGENT_SUPERSEDED']) {
    const answer = JSON.stringify({ error: 410, errorCode, detail: 'd', remedy: 'r' });
    middle.forge = () => ({ status: 410, answer });
    await assert.rejects(client.poll(POLL), { code: 'CONTROL_PLANE_ANSWER_UNSIGNED' }, errorCode);
  }
  middle.forge = (exchange) => exchange;
  await client.poll(POLL);
});

test('an answer to an earlier request is rejected', async () => {
  await using plane = await startControlPlane();
  await using middle = await Middle.before(() => plane.url);
  using folder = temporaryFolder('agent');
  const { client } = await linkThrough(middle, await plane.newToken(), folder.path);
  let recorded = '';
  middle.forge = ({ status, answer }) => {
    recorded ||= answer;
    return { status, answer: recorded };
  };
  await client.poll(POLL);
  await assert.rejects(client.poll(POLL), { code: 'CONTROL_PLANE_ANSWER_UNSIGNED' });
});

test('only the control plane that created a token can redeem it', async () => {
  await using plane = await startControlPlane();
  await using other = await startControlPlane();
  using folder = temporaryFolder('agent');
  // The attacker runs a control plane at the token's address.
  await using middle = await Middle.before(() => other.url);
  await assert.rejects(linkThrough(middle, await plane.newToken(), folder.path), {
    code: 'CONTROL_PLANE_ANSWER_UNSIGNED',
  });
});

test('an agent accepts a new key that the old key announces, stores it, and then rejects the old key', async () => {
  await using plane = await startControlPlane();
  using folder = temporaryFolder('agent');
  const establish = (token?: string) =>
    establishLink(
      { dataDir: folder.path, host: 'mover', token, clock: plane.control.clock },
      AbortSignal.timeout(60_000),
    );
  const { client } = await establish(await plane.newToken());
  const { serverKeys } = plane.control;
  const [former] = serverKeys.publicKeys;
  await serverKeys.rotate();
  assert.equal(serverKeys.publicKeys.length, 2);
  assert.notEqual(serverKeys.publicKeys[0], former);
  await client.poll(POLL);
  const again = await establish();
  assert.deepEqual(again.link.serverKeys, serverKeys.publicKeys);
  await again.client.poll(POLL);
});
