import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isOnAccessList } from '../../src/http/index.ts';
import { isAddressOrBlock } from '../../src/platform/index.ts';

test('addresses and blocks of both families are accepted, and nothing else', () => {
  for (const good of ['1.2.3.4', '0.0.0.0/0', '10.0.0.0/8', '2001:db8::1', '::/0', 'FE80::1/64', '::ffff:192.0.2.1']) {
    assert.ok(isAddressOrBlock(good), good);
  }
  for (const bad of [
    '',
    'x',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/-1',
    '::1/129',
    'fe80::1%eth0',
    ' 1.2.3.4',
    '1.2.3.4,5.6.7.8',
    '::ffff:1.2.3.4/64',
    'localhost',
  ]) {
    assert.ok(!isAddressOrBlock(bad), bad);
  }
});

test('an empty access list allows every address', () => {
  for (const peer of ['1.2.3.4', '::1', '']) assert.ok(isOnAccessList([], peer));
});

test('a peer is allowed by its address or by a block that contains it, also when its IPv4 address is mapped into IPv6', () => {
  const list = ['192.0.2.7', '198.51.100.0/24', '2001:db8::/32'];
  for (const peer of ['192.0.2.7', '::ffff:192.0.2.7', '198.51.100.255', '2001:db8:1::5'])
    assert.ok(isOnAccessList(list, peer), peer);
  for (const peer of ['192.0.2.8', '198.51.101.1', '2001:db9::1', '::1', 'nonsense', ''])
    assert.ok(!isOnAccessList(list, peer), peer);
  assert.ok(isOnAccessList(['::ffff:192.0.2.0/120'], '192.0.2.99'));
  assert.ok(isOnAccessList(['fe80::1'], 'fe80::1%eth0'));
});

test('a list with one address contains that address and no other', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.ipV4(), (peer, other) => {
      assert.ok(isAddressOrBlock(peer));
      assert.ok(isOnAccessList([peer], peer));
      if (peer !== other && !peer.includes(':')) assert.ok(!isOnAccessList([other], peer));
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => void isAddressOrBlock(text)));
});

test('a block contains exactly the addresses with the same first bits, in both families and every notation', () => {
  const cases = (bits: 32 | 128, write: (value: bigint) => string) =>
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }),
      fc.integer({ min: 0, max: bits }),
      fc.oneof(fc.integer({ min: 0, max: bits - 1 }), fc.constant(-1)),
      (network, prefix, flipped) => {
        const peer = flipped < 0 ? network : network ^ (1n << BigInt(bits - 1 - flipped));
        const expected = flipped < 0 || flipped >= prefix;
        const block = `${write(network)}/${prefix}`;
        assert.ok(isAddressOrBlock(block));
        assert.equal(isOnAccessList([block], write(peer)), expected, `${write(peer)} in ${block}`);
        if (bits === 32) assert.equal(isOnAccessList([block], `::ffff:${write(peer)}`), expected);
      },
    );
  const ipv4 = (value: bigint) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const ipv6 = (value: bigint) =>
    Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 65535n).toString(16)).join(':');
  fc.assert(cases(32, ipv4), { numRuns: 300 });
  fc.assert(cases(128, ipv6), { numRuns: 300 });
});
