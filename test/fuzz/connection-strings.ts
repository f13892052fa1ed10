import { MongoClient } from 'mongodb';
import { ConnectionStringRefused, readForeignConnectionString } from '../../src/platform/index.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { damageText } from './damage.ts';
import type { FuzzTarget } from './target.ts';

const STRINGS = [
  'mongodb://user:secret@d1.example:27017,d2.example/admin?replicaSet=rs&tls=true',
  'mongodb://10.0.0.1,[fd12::1]:27017/?authSource=admin&authMechanism=SCRAM-SHA-256',
  'mongodb://d.example/?appName=a%20b&maxPoolSize=5',
];
const WORDS = [
  'authMechanism=MONGODB-OIDC',
  'authMechanism=GSSAPI',
  'authMechanism=MONGODB-AWS',
  'authMechanismProperties=ENVIRONMENT:k8s',
  'tlsCAFile=/dev/zero',
  'tlsCertificateKeyFile=/key',
  'tlsInsecure=true',
  'tlsAllowInvalidHostnames=true',
  'proxyHost=evil.example',
  'compressors=zlib',
  'loadBalanced=true',
  'autoEncryption=1',
  '%2Ftmp%2Fmongodb-27017.sock',
  '.sock',
  '?',
  '&',
  'mongodb+srv://',
];

/**
 * Damaged connection strings of strangers. With an accepted one the driver must dial the checked hosts with user and password, and apply no
 * other option.
 */
export const connectionStrings: FuzzTarget = {
  name: 'connection strings',
  open: async () => ({ attempt, [Symbol.asyncDispose]: async () => undefined }),
};

function attempt(random: SeededRandom): void {
  const given = damageText(random, random.pick(STRINGS), WORDS);
  const read = readOrRefuse(given);
  if (read === undefined || read.text.startsWith('mongodb+srv:')) return;
  const options = optionsOf(read.text);
  if (options === undefined) return; // The driver refuses it before it dials.
  const { mechanism = 'DEFAULT', mechanismProperties = {} } = options.credentials ?? {};
  const looked = read.hosts.map((host) => (/:\d+$/.test(host) ? host : `${host}:27017`).toLowerCase());
  const dialled = options.hosts.map((host) => host.toString().toLowerCase());
  const faults = [
    JSON.stringify(looked) === JSON.stringify(dialled) ? '' : `dials ${dialled} in place of ${looked}`,
    /^(DEFAULT|SCRAM-SHA-(1|256))$/.test(mechanism) ? '' : `uses ${mechanism}`,
    Object.keys(mechanismProperties).every((name) => name === 'CANONICALIZE_HOST_NAME') ? '' : 'has properties',
    options.tlsCAFile ?? options.tlsCertificateKeyFile ?? options.proxyHost ?? '',
    options.rejectUnauthorized === false || options.loadBalanced ? 'is weakened' : '',
    options.compressors.every((name) => name === 'none') ? '' : `compresses with ${options.compressors}`,
  ].filter(Boolean);
  if (faults.length > 0) throw new Error(`${JSON.stringify(given)} ${faults.join(', ')}`);
}

function readOrRefuse(given: string): ReturnType<typeof readForeignConnectionString> | undefined {
  try {
    return readForeignConnectionString(given);
  } catch (error) {
    if (error instanceof ConnectionStringRefused) return undefined;
    throw new Error(`${JSON.stringify(given)} throws ${error}`, { cause: error });
  }
}

function optionsOf(text: string): MongoClient['options'] | undefined {
  try {
    return new MongoClient(text).options;
  } catch {
    return undefined;
  }
}
