import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvents, type StreamPart } from '../../src/contract/index.ts';
import { DigestSession } from '../../src/digest/index.ts';
import { requestAccessToken } from '../support/access-token.ts';
import { eventually } from '../support/eventually.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { SessionClient } from './session-client.ts';
import { type Started, start } from './started-migration.ts';

const ORGS = '/api/atlas/v2/orgs';
const STREAM = { accept: 'text/event-stream' };

/** An open stream of updates. */
class OpenStream implements AsyncDisposable {
  readonly answer: Response;
  readonly #left: AbortController;
  readonly #parts: AsyncGenerator<StreamPart, void>;

  private constructor(answer: Response, body: ReadableStream<Uint8Array>, left: AbortController) {
    this.answer = answer;
    this.#left = left;
    this.#parts = readEvents(body);
  }

  /** Opens a stream. @throws AssertionError if it is refused */
  static async open(send: (init: RequestInit) => Promise<Response>, headers = {}): Promise<OpenStream> {
    const left = new AbortController();
    const answer = await send({ headers: { ...STREAM, ...headers }, signal: left.signal });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.ok(answer.body);
    return new OpenStream(answer, answer.body, left);
  }

  /** The next event; undefined at the end of the stream. */
  async next() {
    for (;;) {
      const { value, done } = await this.#parts.next();
      if (done) return undefined;
      if (value.kind === 'event') return { ...value, data: JSON.parse(value.data) };
    }
  }

  /** The first event that meets a condition. */
  async until(condition: (data: ReturnType<typeof JSON.parse>) => boolean) {
    for (;;) {
      const event = await this.next();
      assert.ok(event, 'the stream ended');
      if (condition(event.data)) return event;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#left.abort();
  }
}

const pathOf = ({ path, id }: Started) => `${path}/${id}`;

/** Returns a function that sends a request with HTTP digest. A test can abort it, unlike one of the digest client. */
function sender({ url, publicKey, privateKey }: ControlPlane, path: string, user = [publicKey, privateKey] as const) {
  return async (init: RequestInit): Promise<Response> => {
    const challenge = await fetch(url + path);
    await challenge.text();
    const session = new DigestSession(...user);
    session.accept(challenge.headers.get('www-authenticate') ?? '');
    const authorization = String(session.authorization('GET', path));
    return await fetch(url + path, { ...init, headers: { ...init.headers, authorization } });
  };
}

/** Without the times at which something was measured. */
const withoutTimes = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (key, inner) => (key === 'measuredAt' ? undefined : inner)));

test('a stream sends the whole migration at once, and again after each change', async () => {
  await using plane = await startControlPlane();
  const started = await start(plane);
  await started.report({ state: 'COPYING' });
  const shown = await started.show();
  await using stream = await OpenStream.open(sender(plane, pathOf(started)));
  assert.equal(stream.answer.headers.get('cache-control'), 'no-store');
  const first = await stream.next();
  assert.deepEqual([first?.name, withoutTimes(first?.data)], ['snapshot', withoutTimes(shown)]);
  await started.report({ state: 'FOLLOWING' });
  const second = await stream.until(({ linkspan }) => linkspan.progress.state === 'FOLLOWING');
  assert.notEqual(second.id, first?.id);
});

test('a project and an organization have a stream of all their migrations, under both versions of the API', async () => {
  await using plane = await startControlPlane();
  const started = await start(plane);
  const paths = [started.path, `${ORGS}/${plane.orgId}/liveMigrations`];
  for (const path of paths.flatMap((one) => [one, one.replace('/v2/', '/v1.0/')])) {
    await using stream = await OpenStream.open(sender(plane, path));
    const first = await stream.next();
    assert.deepEqual(
      first?.data.results.map(({ _id }: { _id: string }) => _id),
      [started.id],
    );
  }
});

test('a stream that is refused gets the error as any other request', async () => {
  await using plane = await startControlPlane();
  const { path } = await start(plane);
  const missing = await sender(plane, `${path}/${'0'.repeat(24)}`)({ headers: STREAM });
  const { errorCode } = (await missing.json()) as { errorCode: string };
  assert.deepEqual([missing.status, errorCode], [404, 'LIVE_MIGRATION_NOT_FOUND']);
  const other = await sender(plane, `${ORGS}/${plane.orgId}`)({ headers: STREAM });
  assert.equal(other.status, 406, 'no stream of this resource');
});

test('an open stream ends when its key is deleted, gets other roles or another access list', async () => {
  await using plane = await startControlPlane();
  const started = await start(plane);
  const keys = `${ORGS}/${plane.orgId}/apiKeys`;
  const endings = [
    ['UNAUTHORIZED', (id: string) => plane.api('DELETE', `${keys}/${id}`)],
    ['UNAUTHORIZED', (id: string) => plane.api('PATCH', `${keys}/${id}`, { body: { roles: ['ORG_READ_ONLY'] } })],
    [
      'IP_ADDRESS_NOT_ON_ACCESS_LIST',
      (id: string) => plane.api('POST', `${keys}/${id}/accessList`, { body: [{ ipAddress: '192.0.2.1' }] }),
    ],
  ] as const;
  for (const [code, end] of endings) {
    const made = await plane.api('POST', keys, { body: { desc: 'reader', roles: ['ORG_MEMBER'] } });
    const { id, publicKey, privateKey } = made.json as Record<string, unknown>;
    const user = [String(publicKey), String(privateKey)] as const;
    await using stream = await OpenStream.open(sender(plane, pathOf(started), user));
    assert.equal((await stream.next())?.name, 'snapshot');
    await end(String(id));
    const last = await stream.until(({ errorCode }) => errorCode !== undefined);
    assert.deepEqual([last.name, last.data.errorCode], ['end', code]);
    assert.equal(await stream.next(), undefined);
  }
});

test('an open stream ends when its session is signed out, and when its access token is revoked', async () => {
  await using plane = await startControlPlane();
  const started = await start(plane);
  const browser = new SessionClient(plane.url);
  await browser.signIn([plane.publicKey, plane.privateKey]);
  const headers = { cookie: browser.cookie, 'linkspan-console': '1' };
  const send = (init: RequestInit) => fetch(plane.url + pathOf(started), init);
  await using bySession = await OpenStream.open(send, headers);
  await bySession.next();
  await browser.send('DELETE', '/api/session');
  const hasEnded = ({ errorCode }: { errorCode?: string }) => errorCode !== undefined;
  assert.equal((await bySession.until(hasEnded)).data.errorCode, 'SESSION_ENDED');

  const accounts = `${ORGS}/${plane.orgId}/serviceAccounts`;
  const body = { description: '', name: 'reader', roles: ['ORG_MEMBER'], secretExpiresAfterHours: 8 };
  const made = await plane.api<{ clientId: string; secrets: { secret: string }[] }>('POST', accounts, { body });
  const { clientId, secrets } = made.json;
  const granted = await requestAccessToken(plane.url, `${clientId}:${secrets[0]?.secret}`);
  const { access_token: token } = (await granted.json()) as { access_token: string };
  await using byToken = await OpenStream.open(send, { authorization: `Bearer ${token}` });
  await byToken.next();
  assert.equal((await plane.api('DELETE', `${accounts}/${clientId}`)).status, 204);
  assert.equal((await byToken.until(hasEnded)).data.errorCode, 'UNAUTHORIZED');
});

test('an account has at most 20 open streams; one that is closed makes room', async () => {
  await using plane = await startControlPlane({ rateLimits: false });
  const send = sender(plane, pathOf(await start(plane)));
  await using streams = new AsyncDisposableStack();
  const first = await OpenStream.open(send);
  for (let at = 1; at < 20; at += 1) streams.use(await OpenStream.open(send));
  const refused = await send({ headers: STREAM });
  const { errorCode } = (await refused.json()) as { errorCode: string };
  assert.deepEqual([refused.status, errorCode], [429, 'TOO_MANY_UPDATE_STREAMS']);
  assert.ok(refused.headers.get('retry-after'));
  await first[Symbol.asyncDispose]();
  const again = async () => streams.use(await OpenStream.open(send));
  await eventually(again, { what: 'a stream to be accepted again' });
});

test('a server that stops ends its streams', async () => {
  const plane = await startControlPlane();
  await using stream = await OpenStream.open(sender(plane, pathOf(await start(plane))));
  await stream.next();
  await plane[Symbol.asyncDispose]();
  const rest = async () => {
    while ((await stream.next()) !== undefined);
  };
  await rest().catch((error: Error) => assert.equal(error.message, 'terminated'));
});
