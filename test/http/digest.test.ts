import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
// Inner parts are tested directly where a test of the whole would not show which part is wrong.
import { type DigestAlgorithm, digestHash, digestResponse } from '../../src/digest/index.ts';
import { parseDigestHeader } from '../../src/http/digest/header.ts';
import { ReplayWindows } from '../../src/http/digest/replay-windows.ts';
import { DigestAuthenticator, type DigestOutcome, digestSecrets } from '../../src/http/index.ts';
import type { Clock } from '../../src/platform/index.ts';

const TARGET = '/api/atlas/v1.0/orgs/0123456789abcdef01234567/liveMigrations/linkTokens?pretty=true';
const FIVE_MINUTES_MS = 300_000;

interface FakeClock extends Clock {
  nowMs: number;
}

function fakeClock(): FakeClock {
  const clock = {
    nowMs: 1_790_000_000_000,
    now: () => clock.nowMs,
    elapsed: () => clock.nowMs,
    sleep: async () => undefined,
    timeout: () => new AbortController().signal,
  };
  return clock;
}

function authenticatorOf(clock: Clock, algorithms?: readonly DigestAlgorithm[], nonceKey = randomBytes(32)) {
  const account = { secrets: digestSecrets('abcdefgh', 'private'), name: 'the account' };
  const find = async (username: string) => (username === 'abcdefgh' ? account : undefined);
  return new DigestAuthenticator({ nonceKey, find, clock, algorithms });
}

/** The Authorization header of a client that answers a challenge. */
function answer(challenge: string, changes: Partial<Record<'user' | 'key' | 'uri' | 'nc' | 'algorithm', string>> = {}) {
  const nonce = /nonce="([^"]*)"/.exec(challenge)?.[1] ?? '';
  const algorithm = (changes.algorithm ?? /algorithm=([\w-]+)/.exec(challenge)?.[1]) as DigestAlgorithm;
  const { user = 'abcdefgh', key = 'private', uri = TARGET, nc = '00000001' } = changes;
  const ha1 = digestHash(algorithm, `${user}:MMS Public API:${key}`);
  const response = digestResponse({ algorithm, ha1, method: 'POST', uri, nonce, nc, cnonce: 'c' });
  return `Digest username="${user}", realm="MMS Public API", nonce="${nonce}", uri="${uri}", algorithm=${algorithm}, qop=auth, nc=${nc}, cnonce="c", response="${response}"`;
}

test('the challenge has exactly the keys and separators that the official Go clients accept', () => {
  const [challenge, ...others] = authenticatorOf(fakeClock()).challenges(false);
  assert.match(
    challenge ?? '',
    /^Digest realm="MMS Public API", domain="", nonce="[A-Za-z0-9+/]{32}", algorithm=MD5, qop="auth", stale=false$/,
  );
  assert.deepEqual(others, []);
});

/** The part of an outcome that the client sees. The claimed account is only for the server. */
function shownOf(outcome: DigestOutcome<unknown>): object {
  return 'account' in outcome ? outcome : { stale: outcome.stale };
}

test('the right key is accepted; a wrong key, an unknown user, no header and another URI get the same refusal', async () => {
  const authenticator = authenticatorOf(fakeClock());
  const challenge = () => authenticator.challenges(false)[0] ?? '';
  const outcome = (header?: string) => authenticator.authenticate('POST', TARGET, header);
  assert.ok('account' in (await outcome(answer(challenge()))));
  const refused = { stale: false };
  assert.deepEqual(shownOf(await outcome(answer(challenge(), { key: 'wrong' }))), refused);
  assert.deepEqual(shownOf(await outcome(answer(challenge(), { user: 'nobody' }))), refused);
  assert.deepEqual(shownOf(await outcome(undefined)), refused);
  assert.deepEqual(shownOf(await outcome('Basic YWJjOmRlZg==')), refused);
  assert.deepEqual(
    shownOf(await outcome(answer(challenge(), { uri: TARGET.replace('pretty=true', 'pretty=True') }))),
    refused,
  );
  assert.deepEqual(shownOf(await authenticator.authenticate('DELETE', TARGET, answer(challenge()))), refused);
});

test('a forged nonce is refused; a nonce that is too old or from an earlier process is stale', async () => {
  const clock = fakeClock();
  const nonceKey = randomBytes(32);
  const authenticator = authenticatorOf(clock, undefined, nonceKey);
  const [challenge = ''] = authenticator.challenges(false);
  const madeUp = challenge.replace(/nonce="[^"]*"/, `nonce="${randomBytes(24).toString('base64')}"`);
  assert.deepEqual(shownOf(await authenticator.authenticate('POST', TARGET, answer(madeUp))), { stale: false });
  const restarted = authenticatorOf(clock, undefined, nonceKey);
  assert.deepEqual(shownOf(await restarted.authenticate('POST', TARGET, answer(challenge))), { stale: true });
  clock.nowMs += FIVE_MINUTES_MS + 1000;
  assert.deepEqual(shownOf(await authenticator.authenticate('POST', TARGET, answer(challenge))), { stale: true });
  assert.deepEqual(shownOf(await authenticator.authenticate('POST', TARGET, answer(challenge, { key: 'wrong' }))), {
    stale: false,
  });
});

test('a replayed request is refused, and parallel requests may arrive in any order', async () => {
  const authenticator = authenticatorOf(fakeClock());
  const [challenge = ''] = authenticator.challenges(false);
  const outcome = (nc: string) => authenticator.authenticate('POST', TARGET, answer(challenge, { nc }));
  for (const nc of ['00000003', '00000001', '00000002', '000000ff']) assert.ok('account' in (await outcome(nc)));
  for (const nc of ['00000003', '00000001', '000000ff', '00000004'])
    assert.deepEqual(shownOf(await outcome(nc)), { stale: true });
});

test('a SHA-256 challenge cannot be answered with MD5', async () => {
  const both = authenticatorOf(fakeClock(), ['SHA-256', 'MD5']);
  const [sha256 = '', md5 = ''] = both.challenges(false);
  assert.match(sha256, /algorithm=SHA-256/);
  assert.ok('account' in (await both.authenticate('POST', TARGET, answer(sha256))));
  assert.ok('account' in (await both.authenticate('POST', TARGET, answer(md5))));
  const [again = ''] = both.challenges(false);
  assert.deepEqual(shownOf(await both.authenticate('POST', TARGET, answer(again, { algorithm: 'MD5' }))), {
    stale: false,
  });
  const only = authenticatorOf(fakeClock(), ['SHA-256']);
  const [challenge = ''] = only.challenges(false);
  assert.deepEqual(shownOf(await only.authenticate('POST', TARGET, answer(challenge, { algorithm: 'MD5' }))), {
    stale: false,
  });
});

test('headers that quote differently are read alike, and a repeated parameter is refused', () => {
  const header = answer('nonce="n" algorithm=MD5');
  const read = parseDigestHeader(header);
  assert.ok(read);
  assert.deepEqual(
    parseDigestHeader(header.replace('algorithm=MD5', 'algorithm="MD5"').replace('qop=auth', 'qop="auth"')),
    read,
  );
  assert.deepEqual(parseDigestHeader(header.replace(' algorithm=MD5,', '')), read);
  assert.deepEqual(parseDigestHeader(header.replaceAll(', ', ',')), read);
  for (const twice of [', qop=auth', ', uri="/other"', ', Username="x"'])
    assert.equal(parseDigestHeader(header + twice), null);
  assert.equal(parseDigestHeader(header.replace('qop=auth', 'qop=auth-int')), null);
  assert.equal(parseDigestHeader(header.replace('algorithm=MD5', 'algorithm=MD5-sess')), null);
});

test('a header is read correctly for any values, order, quoting and white space', () => {
  const text = fc.string({ minLength: 1, maxLength: 20 }).filter((value) => /^[\x20-\x7e]+$/.test(value));
  const values = fc.record({ username: text, realm: text, nonce: text, uri: text, cnonce: text, response: text });
  fc.assert(
    fc.property(values, fc.infiniteStream(fc.nat()), fc.boolean(), (strings, order, quoteAll) => {
      const quoted = Object.entries(strings).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`);
      const plain = [
        ['qop', 'auth'],
        ['nc', '0000000a'],
        ['algorithm', 'SHA-256'],
      ].map(([name, value]) => (quoteAll ? `${name} = "${value}"` : `${name}=${value}`));
      const shuffled = [...quoted, ...plain]
        .map((part) => ({ part, at: order.next().value ?? 0 }))
        .sort((a, b) => a.at - b.at);
      const header = `digest  ${shuffled.map(({ part }) => part).join(quoteAll ? ' ,  ' : ',')}`;
      const { response, ...rest } = strings;
      const expected = { ...rest, response: response.toLowerCase(), nc: '0000000a', algorithm: 'SHA-256' };
      assert.deepEqual(parseDigestHeader(header), expected);
    }),
  );
});

test('no header makes the parser throw', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseDigestHeader(`Digest ${text}`)));
  const part = fc.constantFrom('username', 'nonce', '=', '"', ',', '\\', ' ', 'a', 'qop=auth');
  fc.assert(fc.property(fc.array(part), (parts) => void parseDigestHeader(`Digest ${parts.join('')}`)));
});

test('no count of a nonce is admitted twice, in any order of arrival, even after nonces were forgotten', () => {
  const requests = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 200 })), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 10 }), (sequence, limit) => {
      const windows = new ReplayWindows(limit);
      const admitted = new Set<string>();
      for (const [nonce, nc] of sequence) {
        if (!windows.admit(`n${nonce}`, 1000 + nonce, nc)) continue;
        assert.ok(!admitted.has(`${nonce} ${nc}`));
        admitted.add(`${nonce} ${nc}`);
      }
    }),
  );
});
