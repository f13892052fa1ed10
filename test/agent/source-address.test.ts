import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentConfiguration } from '../../src/agent/configuration.ts';
import { sourceAddress } from '../../src/agent/source-address.ts';

const projectId = '0123456789abcdef01234567';

function configuration(uri: string, tlsCaFile?: string): AgentConfiguration {
  return {
    host: 'h',
    plainHttp: 'loopback',
    dataDir: '/d',
    projects: [{ id: projectId, name: 'p', deployments: [{ name: 'c', uri, tlsCaFile }] }],
  };
}

const asked = { projectId, clusterName: 'c', ssl: false };

test("a migration without credentials uses the agent's", () => {
  const uri = 'mongodb://own:pw@h1:27017,h2/app?replicaSet=rs';
  assert.deepEqual(sourceAddress(configuration(uri, '/ca.pem'), asked), { uri, tlsCaFile: '/ca.pem' });
});

test("credentials of the request replace the agent's, whatever characters they have", () => {
  const withOthers = (uri: string) =>
    sourceAddress(configuration(uri), { ...asked, username: 'a@b', password: 'p:/?#%' }).uri;
  assert.equal(
    withOthers('mongodb://own:pw@h1:27017,h2/?replicaSet=rs&authSource=x&authMechanism=MONGODB-X509'),
    'mongodb://a%40b:p%3A%2F%3F%23%25@h1:27017,h2/?replicaSet=rs&authSource=admin',
  );
  assert.equal(withOthers('mongodb://h1'), 'mongodb://a%40b:p%3A%2F%3F%23%25@h1/?authSource=admin');
  assert.equal(
    withOthers('mongodb+srv://h.example.com/app'),
    'mongodb+srv://a%40b:p%3A%2F%3F%23%25@h.example.com/app?authSource=admin',
  );
});

test('a request can add TLS but cannot remove it', () => {
  const of = (uri: string, ssl: boolean) => sourceAddress(configuration(uri, '/ca.pem'), { ...asked, ssl });
  assert.deepEqual(of('mongodb://u:p@h1/?replicaSet=rs', true), {
    uri: 'mongodb://u:p@h1/?replicaSet=rs&tls=true',
    tlsCaFile: '/ca.pem',
  });
  assert.equal(of('mongodb://h1/?tls=true', false).uri, 'mongodb://h1/?tls=true');
  assert.equal(of('mongodb+srv://h1', true).uri, 'mongodb+srv://h1/?tls=true');
});

test("a request cannot name a file of the agent's machine: another CA file than the configuration's is refused without access to the disk", () => {
  const of = (caCertificatePath: string, tlsCaFile?: string) =>
    sourceAddress(configuration('mongodb://h1', tlsCaFile), { ...asked, caCertificatePath });
  assert.equal(of('/ca.pem', '/ca.pem').tlsCaFile, '/ca.pem');
  assert.equal(of('', '/ca.pem').tlsCaFile, '/ca.pem');
  for (const [path, own] of [
    ['/other.pem', '/ca.pem'],
    ['/dev/zero', undefined],
    ['/etc/passwd', undefined],
  ] as const)
    assert.throws(() => of(path, own), { code: 'SOURCE_CA_NOT_CONFIGURED' });
});

test('only clusters of the configuration can be used', () => {
  const known = configuration('mongodb://h1');
  assert.throws(() => sourceAddress(known, { ...asked, clusterName: 'other' }), { code: 'SOURCE_NOT_CONFIGURED' });
  assert.throws(() => sourceAddress(known, { ...asked, projectId: 'f'.repeat(24) }), { code: 'SOURCE_NOT_CONFIGURED' });
});
