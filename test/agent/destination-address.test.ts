import assert from 'node:assert/strict';
import { test } from 'node:test';
import { destinationAddress } from '../../src/agent/destination-address.ts';
import { dialAsOwn } from '../../src/platform/index.ts';

// id: agents-machine-out-of-reach
test("a destination's connection string cannot use files, credentials, proxies or sockets of the agent's machine", () => {
  const uri = (options: string, host = 'db.example') => `mongodb://u:p@${host}/?${options}`;
  for (const option of [
    'tlsCAFile=/x',
    'tlsCertificateKeyFile=/x',
    'TLSINSECURE=true',
    'tlsAllowInvalidHostnames=true',
    'sslValidate=false',
    'proxyHost=h',
    'authMechanism=MONGODB-AWS',
    'authMechanism=GSSAPI',
    'authMechanismProperties=A:b',
    'srvServiceName=x',
  ]) {
    const [name] = option.split('=');
    assert.throws(() => destinationAddress({ uri: uri(option) }, undefined), {
      code: 'DESTINATION_OPTION_REFUSED',
      parameters: [name],
    });
  }
  assert.throws(() => destinationAddress({ uri: uri('', '%2Ftmp%2Fmongodb.sock') }, undefined), {
    code: 'DESTINATION_OPTION_REFUSED',
  });
  const good = uri('replicaSet=rs&tls=true&ssl=true&authSource=admin&authMechanism=SCRAM-SHA-256&maxPoolSize=5');
  assert.equal(destinationAddress({ uri: good }, undefined).uri, good);
});

test('every host of a connection string that is certainly not allowed is refused by name before any connection', () => {
  const of = (hosts: string, allowed: readonly string[]) => () =>
    destinationAddress({ uri: `mongodb://u:p@${hosts}/?replicaSet=rs` }, allowed);
  const refuses = (host: string, hosts: string, allowed: readonly string[]) =>
    assert.throws(of(hosts, allowed), { code: 'DESTINATION_NOT_ALLOWED', parameters: [host] });
  refuses('evil.example', 'db.example,evil.example:27018', ['db.example']);
  refuses('db.example.evil', 'db.example.evil', ['*.example']);
  refuses('10.1.0.1', '10.0.0.1:27017,10.1.0.1', ['10.0.0.0/16']);
  refuses('::1', '[::1]:27017', ['db.example']);
  of('a.DB.example:27017,10.0.0.1,[2001:db8::1]', ['*.db.example', '10.0.0.0/8', '2001:db8::/32'])();
  // Its address is only known when the connection is opened.
  of('db.example', ['10.0.0.0/8'])();
  assert.throws(() => destinationAddress({ uri: 'mongodb://169.254.169.254/' }, undefined), {
    code: 'DESTINATION_NOT_ALLOWED',
  });
});

test("a destination with the name of an agent's source must be allowed like any other", () => {
  dialAsOwn('source.example:27017');
  dialAsOwn('127.0.0.1:27018');
  const of = (host: string, allowed?: readonly string[]) => () =>
    destinationAddress({ uri: `mongodb://u:p@${host}/` }, allowed);
  for (const [host, allowed] of [
    ['source.example', undefined],
    ['source.example:27017', ['10.0.0.0/8']],
    ['127.0.0.1:27018', undefined],
  ] as const)
    assert.throws(of(host, allowed), { code: 'DESTINATION_NOT_ALLOWED' }, host);
  of('source.example:27018')();
  of('source.example', ['source.example'])();
  of('127.0.0.1:27018', ['127.0.0.0/8'])();
});
