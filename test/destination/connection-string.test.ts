import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConnectionString } from '../../src/destination/index.ts';

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['https://d.example', /not of the form/],
  ['mongodb://u:canary@d example/', /contains a blank, a control character/],
  [
    'mongodb://u:canary@d.example/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:k8s',
    /option authMechanism is not allowed/,
  ],
  ['mongodb://u:canary@d.example/?t\tlsCAFile=canary', /a control character/],
  ['mongodb://u:canary@d.example:port/', /not a name or address/],
  [
    'mongodb://u:canary@d.example/?tlsAllowInvalidCertificates=true',
    /option tlsAllowInvalidCertificates is not allowed/,
  ],
  ['mongodb://u:canary@d.example/?proxyHost=canary', /option proxyHost is not allowed/],
  ...['169.254.169.254', '169.254.169.254:80', '[fe80::1]:27017', '[fd00:ec2::254]', 'd.example,100.100.100.200'].map(
    (hosts) => [`mongodb://u:canary@${hosts}/?replicaSet=rs`, /link-local, metadata or multicast address/] as const,
  ),
];

test('a connection string with a forbidden address is refused, without repeating any of it', () => {
  for (const [text, why] of REFUSED) {
    assert.throws(
      () => checkConnectionString(text),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'INVALID_DESTINATION_CONNECTION_STRING', text);
        assert.match(error.message, why, text);
        assert.ok(!error.message.includes('canary'), error.message);
        return true;
      },
    );
  }
});

test('names, addresses and private networks are accepted as destinations', () => {
  for (const text of [
    'mongodb://u:p@d1.example:27017,d2.example/admin?replicaSet=rs',
    'mongodb+srv://u:p@d.example/?authSource=admin',
    'mongodb://10.0.0.1,[fd12::1]:27017/?tls=true',
    'mongodb://127.0.0.1/?replicaSet=rs',
  ]) {
    checkConnectionString(text);
  }
});
