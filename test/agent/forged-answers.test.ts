import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Agent } from '../../src/agent/agent.ts';
import type { AgentConfiguration } from '../../src/agent/configuration.ts';
import { establishLink } from '../../src/agent/establish-link.ts';
import { formatLinkToken, parseLinkToken, sealTo, type WantedAgentState } from '../../src/link/index.ts';
import { FakeClock } from '../atlas-api/fake-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startControlPlane } from './control-plane.ts';
import { readLog } from './read-log.ts';

interface Exchange {
  readonly path: string;
  readonly body: string;
  readonly status: number;
  readonly answer: string;
}

interface Sent {
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** An attacker that terminates TLS between agent and control plane. It reads all traffic and can send other requests and forge answers. */
class Middle implements AsyncDisposable {
  readonly #server: Server;
  /** Returns the request to send in place of the agent's; default: the same. The agent gets its status, body and signature. */
  replace: (sent: Sent) => Sent = (sent) => sent;
  /** Returns the forged status and body; default: the real ones. */
  forge: (exchange: Exchange) => Pick<Exchange, 'status' | 'answer'> = (exchange) => exchange;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async before(url: () => string): Promise<Middle> {
    const middle: Middle = new Middle(
      createServer((request, response) => {
        // Either side may end a connection in the middle of a poll.
        middle.#relay(url(), request, response).catch(() => response.destroy());
      }),
    );
    middle.#server.listen(0, '127.0.0.1');
    await once(middle.#server, 'listening');
    return middle;
  }

  async #relay(url: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const original = await textOf(request);
    const named = Object.entries(request.headers).filter(([name]) => /^(linkspan-|content-type)/.test(name));
    const { path, body, headers } = this.replace({
      path: request.url ?? '',
      body: original,
      headers: Object.fromEntries(named) as Record<string, string>,
    });
    const true_ = await fetch(url + path, { method: 'POST', body, headers });
    const { status, answer } = this.forge({ path, body, status: true_.status, answer: await true_.text() });
    response.writeHead(status, { 'linkspan-answer': true_.headers.get('linkspan-answer') ?? '' }).end(answer);
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

// id: sealed-to-request-key
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
          reversible: false,
          usersAndRoles: false,
        },
      },
    ],
    migrations: [],
    watches: [],
    standbys: [],
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

/** Requests that an attacker can make of a signed one, and the refusal of each. All carry the signature of the agent's request. */
const COPIES: Readonly<Record<string, { readonly refusal: string; readonly of: (sent: Sent) => Sent }>> = {
  'of an unknown agent': {
    refusal: 'AGENT_UNKNOWN',
    of: (sent) => ({ ...sent, body: '', headers: { ...sent.headers, 'linkspan-agent': 'f'.repeat(24) } }),
  },
  'of no agent': { refusal: 'PROOF_MISSING', of: (sent) => without('linkspan-agent', sent) },
  'without a time': { refusal: 'PROOF_MISSING', of: (sent) => without('linkspan-time', sent) },
  'for another call': { refusal: 'PROOF_WRONG', of: (sent) => ({ ...sent, path: '/link/v1/unlink' }) },
  'for a call that there is not': { refusal: 'RESOURCE_NOT_FOUND', of: (sent) => ({ ...sent, path: '/link/v1/x' }) },
  ...Object.fromEntries(
    Object.entries({ audience: 'k'.repeat(43), time: '1', nonce: 'n'.repeat(22), digest: '0'.repeat(64) }).map(
      ([name, value]) => [
        `with another ${name}`,
        {
          refusal: 'PROOF_WRONG',
          of: (sent: Sent) => ({ ...sent, headers: { ...sent.headers, [`linkspan-${name}`]: value } }),
        },
      ],
    ),
  ),
};

function without(header: string, sent: Sent): Sent {
  return { ...sent, headers: Object.fromEntries(Object.entries(sent.headers).filter(([name]) => name !== header)) };
}

// id: refusal-of-other-request
test("a refusal of another request that carries the agent's signature is rejected, although the control plane signed it", async () => {
  await using plane = await startControlPlane();
  await using middle = await Middle.before(() => plane.url);
  using folder = temporaryFolder('agent');
  const { client } = await linkThrough(middle, await plane.newToken(), folder.path);
  for (const [what, { refusal, of }] of Object.entries(COPIES)) {
    const refusals: unknown[] = [];
    middle.replace = of;
    middle.forge = (exchange) => {
      refusals.push((JSON.parse(exchange.answer) as { errorCode: unknown }).errorCode);
      return exchange;
    };
    await assert.rejects(client.poll(POLL), { code: 'CONTROL_PLANE_ANSWER_UNSIGNED' }, what);
    assert.deepEqual(refusals, [refusal], what);
  }
  middle.replace = (sent) => sent;
  middle.forge = (exchange) => exchange;
  await client.poll(POLL);
});

test('an agent keeps its link and polls again after an attacker relayed the refusal of an unknown agent', async () => {
  await using plane = await startControlPlane();
  await using middle = await Middle.before(() => plane.url);
  using folder = temporaryFolder('agent');
  const { client } = await linkThrough(middle, await plane.newToken(), folder.path);
  const { logger, logged } = readLog();
  const configuration: AgentConfiguration = {
    host: 'mover',
    dataDir: folder.path,
    plainHttp: 'loopback',
    allowedDestinations: [],
    projects: [],
  };
  middle.replace = (sent) => COPIES['of an unknown agent']?.of(sent) ?? sent;
  const stop = new AbortController();
  const running = new Agent({ configuration, client, logger }).run(stop.signal);
  try {
    await Promise.race([logged('control_plane.unreachable'), running]);
    middle.replace = (sent) => sent;
    await Promise.race([logged('control_plane.reachable'), running]);
  } finally {
    stop.abort();
    await running;
  }
});

test('a request with another body than its head names is refused with the same code, whatever the body is', async () => {
  await using plane = await startControlPlane();
  await using middle = await Middle.before(() => plane.url);
  using folder = temporaryFolder('agent');
  const token = await plane.newToken([], 'mover');
  const used = await plane.newToken();
  using other = temporaryFolder('agent');
  await linkThrough(middle, used, other.path);
  const bodies = ['', '{}', JSON.stringify({ token: used, publicKey: 'k'.repeat(43), host: 'mover', version: '1' })];
  for (const body of bodies) {
    middle.replace = (sent) => ({ ...sent, body });
    await assert.rejects(linkThrough(middle, token, folder.path), { code: 'PROOF_WRONG' }, body);
  }
  middle.replace = (sent) => sent;
  const { client } = await linkThrough(middle, token, folder.path);
  for (const body of bodies) {
    middle.replace = (sent) => ({ ...sent, body });
    await assert.rejects(client.poll(POLL), { code: 'PROOF_WRONG' }, body);
  }
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
