import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAllowedDestination, neverDialled, refusedDestination } from '../../src/platform/dial-rules.ts';

const NEVER = [
  '169.254.169.254',
  '::ffff:169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b::169.254.169.254',
  '64:ff9b:1::a9fe:a9fe',
  '64:ff9b:1:2:3:4:a9fe:a9fe',
  '64:ff9b:1:a9fe:a9:fe00::',
  '64:ff9b:1:a9:fe:a9fe::',
  '64:ff9b:1::a9:fea9:fe00:0',
  '2001:0:a9fe:a9fe::1',
  '2001::1:2:5601:5601',
  'fd12::5efe:169.254.169.254',
  '2001:db8::200:5efe:a9fe:a9fe',
  '64:ff9b::100.100.100.200',
  '64:ff9b::a83f:8110',
  '2002:a9fe:a9fe::1',
  '::169.254.169.254',
  '::ffff:0:169.254.169.254',
  'fd00:ec2::23',
  'fd20:ce::254',
  '168.63.129.16',
  'fe80::1%eth0',
  'fd00:ec2::254',
  '100.100.100.200',
  '0.0.0.0',
  '::',
  '239.1.1.1',
  '255.255.255.255',
  'ff02::1',
];
const LOOPBACK = [
  '127.0.0.1',
  '127.8.8.8',
  '::1',
  '::ffff:127.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '::127.0.0.1',
];
const OTHERS = ['10.0.0.1', '192.168.1.1', '172.16.0.1', '203.0.113.9', 'fd12::1', '2001:db8::1', '64:ff9b::a00:1'];

test('metadata, link-local, multicast and unspecified addresses are always refused', () => {
  const everything = ['0.0.0.0/0', '::/0', '*.example', 'db.example'];
  for (const address of NEVER) {
    assert.ok(neverDialled(address), address);
    assert.ok(refusedDestination(everything, 'db.example', address), address);
    assert.ok(refusedDestination(undefined, 'db.example', address), address);
  }
  for (const address of [...LOOPBACK, ...OTHERS]) assert.equal(neverDialled(address), undefined, address);
});

test('by default, private and public addresses are allowed, and those of this machine are not', () => {
  for (const address of OTHERS) assert.equal(refusedDestination(undefined, address, address), undefined, address);
  for (const address of LOOPBACK) assert.match(refusedDestination(undefined, 'a.b', address) ?? '', /this machine/);
});

test('a destination is allowed by name or address; this machine by address only', () => {
  const isAllowed = (entry: string, host: string, address = '10.0.0.1') =>
    refusedDestination([entry], host, address) === undefined;
  for (const [entry, host] of [
    ['db.example', 'DB.example.'],
    ['*.db.example', 'a.b.db.example'],
    ['10.0.0.0/8', 'any.example'],
    ['10.0.0.1', '10.0.0.1'],
  ] as const)
    assert.ok(isAllowed(entry, host), `${host} by ${entry}`);
  for (const [entry, host] of [
    ['db.example', 'a.db.example'],
    ['*.db.example', 'db.example'],
    ['*.db.example', 'evildb.example'],
    ['10.0.0.2', '10.0.0.1'],
    ['10.1.0.0/16', 'db.example'],
  ] as const)
    assert.ok(!isAllowed(entry, host), `${host} by ${entry}`);
  assert.ok(!isAllowed('localhost', 'localhost', '127.0.0.1'));
  assert.ok(isAllowed('127.0.0.0/8', 'localhost', '127.0.0.1') && isAllowed('::1', 'localhost', '::1'));
});

test('an entry is a valid host name, address or block', () => {
  for (const good of ['db1', 'db_1.example', '*.example.com', '10.0.0.0/8', '::1', '127.0.0.1']) {
    assert.ok(isAllowedDestination(good), good);
  }
  for (const bad of ['', '*', '*.', 'a.*.b', 'db:27017', '10.0.0.0/33', '10.0.0', 'mongodb://db', 'a..b', '[::1]']) {
    assert.ok(!isAllowedDestination(bad), bad);
  }
});
