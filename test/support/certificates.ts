import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

/** The reason to skip tests with certificates; false when they can run. */
export const withoutOpenssl = spawnSync('openssl', ['version']).error !== undefined && 'openssl is not installed';

/** PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority for one test. */
export interface TestAuthority extends KeyPair {
  /** Returns a certificate for 127.0.0.1 and `linkspan.test`, signed by this authority. @param name  its common name */
  issue(name?: string): KeyPair;
}

/** Returns a new authority. Two authorities with the same name differ only in their keys. */
export function createAuthority(name = 'Test CA'): TestAuthority {
  using folder = temporaryFolder('authority');
  const [certFile, keyFile] = [join(folder.path, 'ca.pem'), join(folder.path, 'ca.key')];
  openssl('req', '-x509', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', certFile);
  const own = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  return { ...own, issue: (commonName = 'server') => issue(own, commonName) };
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

function issue(authority: KeyPair, commonName: string): KeyPair {
  using folder = temporaryFolder('certificate');
  const file = (name: string) => join(folder.path, name);
  writeFileSync(file('ca.pem'), authority.cert);
  writeFileSync(file('ca.key'), authority.key);
  const names = 'subjectAltName=IP:127.0.0.1,DNS:linkspan.test';
  writeFileSync(file('extensions'), `basicConstraints=CA:FALSE\n${names}\n`);
  openssl('req', ...NEW_KEY, '-subj', `/CN=${commonName}`, '-keyout', file('key'), '-out', file('request'));
  const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('extensions')];
  openssl('x509', '-req', '-in', file('request'), ...by, '-days', '2', '-out', file('cert'));
  return { cert: readFileSync(file('cert'), 'utf8') + authority.cert, key: readFileSync(file('key'), 'utf8') };
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}
