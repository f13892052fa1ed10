import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { ConnectionStringRefused, readForeignConnectionString } from '../../src/platform/index.ts';

function refusedPart(text: string): string {
  try {
    return `taken as ${readForeignConnectionString(text).text}`;
  } catch (error) {
    assert.ok(error instanceof ConnectionStringRefused, String(error));
    assert.ok(!error.message.includes('canary'), error.message);
    return error.part.kind === 'option' ? error.part.name : error.part.kind;
  }
}

test('an option that is not on the list is refused by name, even if the driver would accept it', () => {
  for (const [option, name] of [
    ['authMechanism=MONGODB-OIDC', 'authMechanism'],
    ['authMechanism=MONGODB-AWS', 'authMechanism'],
    ['authMechanism=GSSAPI', 'authMechanism'],
    ['authMechanism=PLAIN', 'authMechanism'],
    ['authMechanism=MONGODB-X509', 'authMechanism'],
    ['authMechanismProperties=ENVIRONMENT:k8s', 'authMechanismProperties'],
    ['%61uthMechanismProperties=ENVIRONMENT%3Ak8s', 'authMechanismProperties'],
    ['tlsCAFile=%2Fetc%2Fpasswd', 'tlsCAFile'],
    ['TLSCERTIFICATEKEYFILE=x', 'TLSCERTIFICATEKEYFILE'],
    ['tlsInsecure=true', 'tlsInsecure'],
    ['compressors=zlib', 'compressors'],
    ['Compressors=zstd', 'Compressors'],
    ['zlibCompressionLevel=9', 'zlibCompressionLevel'],
    ['proxyHost=canary', 'proxyHost'],
    ['srvServiceName=canary', 'srvServiceName'],
    ['loadBalanced=true', 'loadBalanced'],
    ['tls=canary', 'tls'],
    ['replicaSet=a=b', 'replicaSet'],
    ['replicaSet', 'replicaSet'],
    ['unheardOf=1', 'unheardOf'],
  ] as const) {
    assert.equal(refusedPart(`mongodb://u:canary@db.example/?${option}`), name);
  }
});

test('a character that the driver removes, or reads as part of something else, is refused', () => {
  for (const text of [
    'mongodb://u:canary@db.example/?a\tuthMechanism=MONGODB-OIDC',
    'mongodb://u:canary@db.example/?t\nlsCAFile=x',
    'mongodb://u:canary@db.example/?t\rlsCAFile=x',
    'mongodb://u:canary@db.example/?tls=true#&x',
    'mongodb://u:canary@db.example/?tls=true\0',
    ' mongodb://u:canary@db.example/',
    'mongodb://u:canary@db.example/?replicaSet=%ZZ',
    'mongodb://u:canary@db.example/?t%09ls=true',
    'mongodb://u:canary@db.exämple/',
    'mongodb://u:canary@a@db.example/',
    'mongodb://u:canary@db.example/a/b',
    'https://db.example/',
    'mongodb://',
  ]) {
    assert.equal(refusedPart(text), 'form', JSON.stringify(text));
  }
  for (const hosts of [
    '%2Ftmp%2Fmongodb.sock',
    '/tmp/x.sock',
    'd.example,x.sock',
    'a b',
    'db.example:port',
    '[::1',
    'a,,b',
  ]) {
    assert.match(refusedPart(`mongodb://u:canary@${hosts}/`), /^(host|form)$/, hosts);
  }
});

test('an accepted string is rewritten, and the driver reads it as Linkspan does', () => {
  const given = 'mongodb://us%65r:p%40ss%2F%3A@h1.example:27018,h2.example/app?replicaSet=rs&tls=true&authSource=admin';
  const { text, hosts } = readForeignConnectionString(given);
  assert.deepEqual(hosts, ['h1.example:27018', 'h2.example']);
  assert.equal(
    text,
    'mongodb://user:p%40ss%2F%3A@h1.example:27018,h2.example/app?replicaSet=rs&tls=true&authSource=admin',
  );
  const { options } = new MongoClient(text);
  assert.deepEqual(options.hosts.map(String), ['h1.example:27018', 'h2.example:27017']);
  assert.equal(options.credentials?.username, 'user');
  assert.equal(options.credentials?.password, 'p@ss/:');
  assert.equal(options.credentials?.source, 'admin');
  assert.equal(options.replicaSet, 'rs');
  assert.equal(options.tls, true);
  for (const plain of ['mongodb://127.0.0.1/?replicaSet=rs', 'mongodb+srv://u:p@d.example/?authSource=admin']) {
    assert.equal(readForeignConnectionString(plain).text, plain);
  }
});
