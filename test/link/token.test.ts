import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatLinkToken, LINK_TOKEN_PATTERN, newLinkToken, parseLinkToken } from '../../src/link/index.ts';

const serverKey = 's'.repeat(43);

const code = (expected: string) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === expected;

test('an agent reads the id, secret and server of a link-token, also when white space was pasted with it', () => {
  fc.assert(
    fc.property(fc.webUrl({ validSchemes: ['http', 'https'] }), (url) => {
      const token = newLinkToken({ serverUrl: url, serverKey, keyPin: url.length % 2 ? 'k'.repeat(43) : undefined });
      assert.deepEqual(parseLinkToken(`  ${formatLinkToken(token)}\n`), token);
    }),
  );
});

test('a link-token is one word of letters, digits and underscores that a scanner finds in any text', () => {
  const text = formatLinkToken(newLinkToken({ serverUrl: 'https://linkspan.example.com:8443/base', serverKey }));
  assert.match(text, /^[A-Za-z0-9_]+$/);
  assert.equal(LINK_TOKEN_PATTERN.exec(`{"linkToken":"${text}"}`)?.[0], text);
});

test('the documented pattern finds link-tokens in texts where secrets leak, and matches nothing else', () => {
  const page = readFileSync(new URL('../../docs/secure/security-model.md', import.meta.url), 'utf8');
  const documented = /^\\bmlt_.*$/m.exec(page)?.[0] ?? '';
  assert.equal(documented, LINK_TOKEN_PATTERN.source);
  const pattern = new RegExp(documented, 'g');
  const tokens = ['https://linkspan.example:8443', 'http://h'].flatMap((url) =>
    [undefined, 'k'.repeat(43)].map((pin) => formatLinkToken(newLinkToken({ serverUrl: url, serverKey, keyPin: pin }))),
  );
  for (const token of tokens) {
    const leaks = [
      `LINKSPAN_LINK_TOKEN=${token} bin/linkspan agent`,
      `{"linkToken":"${token}"}`,
      `token: '${token}'\n`,
      `https://ci.example/log?token=${token}&x=1`,
      `(${token}).`,
    ];
    for (const leak of leaks) assert.deepEqual(leak.match(pattern), [token], leak);
  }
  const others = [
    'mlt_short',
    `ghp_${'a'.repeat(36)}`,
    `mlt_${'a'.repeat(12)}_${'b'.repeat(42)}_cc_dddddd`,
    `amlt_${'a'.repeat(12)}_${'b'.repeat(43)}_cc_dddddd`,
    LINK_TOKEN_PATTERN.source,
    tokens[0]?.slice(0, -1) ?? '',
  ];
  for (const other of others) assert.equal(other.match(pattern), null, other);
});

test('a wrong character in a link-token is detected offline, and the message does not repeat the token', () => {
  const text = formatLinkToken(newLinkToken({ serverUrl: 'http://127.0.0.1:8080', serverKey }));
  for (let at = 'mlt_'.length; at < text.length; at++) {
    const wrong = text.slice(0, at) + (text[at] === 'x' ? 'y' : 'x') + text.slice(at + 1);
    assert.throws(() => parseLinkToken(wrong), /damaged|not a link-token/);
    assert.throws(
      () => parseLinkToken(wrong),
      (error: Error) => !error.message.includes(text.slice(17, 40)),
    );
  }
});

test('a text that is not a link-token is refused as such', () => {
  fc.assert(
    fc.property(fc.string(), (text) => assert.throws(() => parseLinkToken(text), code('LINK_TOKEN_MALFORMED'))),
  );
  assert.throws(() => parseLinkToken('mlt_short'), code('LINK_TOKEN_MALFORMED'));
});

test('every secret has 256 random bits', () => {
  const secrets = new Set(Array.from({ length: 200 }, () => newLinkToken({ serverUrl: 'http://h', serverKey }).secret));
  assert.equal(secrets.size, 200);
  for (const secret of secrets) assert.equal(secret.length, 43);
});

test('a later token has a greater id, also within one millisecond and after the clock was set back', () => {
  const nowMs = Date.now() + 60_000;
  const times = [nowMs, nowMs, nowMs, nowMs + 1, nowMs, nowMs - 1000, nowMs + 2];
  const ids = times.map((ms) => newLinkToken({ serverUrl: 'http://h', serverKey }, ms).id);
  assert.deepEqual(ids, [...new Set(ids)].sort());
  for (const id of ids) assert.match(id, /^[0-9A-Za-z]{12}$/);
});
