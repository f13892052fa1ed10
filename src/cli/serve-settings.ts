import { readFileSync } from 'node:fs';
import type { BootstrapWishes } from '../control/index.ts';
import { isId, messageOf, UserError } from '../platform/index.ts';
import { isLoopback, type ListenAddress, parseListenAddress } from './serve-address.ts';

/** The options of `linkspan serve` as they were given: flags, or `LINKSPAN_…` variables of the same names. */
export interface ServeOptions {
  readonly listen: string;
  readonly dataDir: string;
  readonly publicUrl?: string;
  readonly tlsCertFile?: string;
  readonly tlsKeyFile?: string;
  readonly masterKeyFile?: string;
  readonly bootstrapOrgId?: string;
  readonly bootstrapPublicKey?: string;
  readonly bootstrapPrivateKey?: string;
}

/** The options, checked and read. */
export interface ServeSettings extends ListenAddress {
  readonly publicUrl?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly bootstrap: BootstrapWishes;
}

/** Fast hashes guard private keys, so short ones could be guessed from a stolen store. */
const MIN_PRIVATE_KEY_LENGTH = 16;

/** @throws UserError USAGE, PLAIN_HTTP_REFUSED */
export function readServeSettings(options: ServeOptions): ServeSettings {
  const address = parseListenAddress(options.listen);
  const tls = readTls(options);
  if (!tls && !isLoopback(address.host)) throw new UserError('PLAIN_HTTP_REFUSED', [options.listen]);
  return { ...address, tls, publicUrl: readPublicUrl(options.publicUrl), bootstrap: readBootstrap(options) };
}

function readTls({ tlsCertFile, tlsKeyFile }: ServeOptions): ServeSettings['tls'] {
  if (tlsCertFile === undefined && tlsKeyFile === undefined) return undefined;
  if (tlsCertFile === undefined || tlsKeyFile === undefined) {
    throw new UserError('USAGE', ['TLS needs both --tls-cert-file and --tls-key-file']);
  }
  return { cert: readPem(tlsCertFile), key: readPem(tlsKeyFile) };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError('USAGE', [`The file ${file} cannot be read: ${messageOf(error)}`], { cause: error });
  }
}

/** An origin without path: requests are signed over the path that arrives, which a proxy must not change. */
function readPublicUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.username;
  if (!isOrigin) throw new UserError('USAGE', [`--public-url ${text} is not of the form https://host[:port]`]);
  return url.origin;
}

function readBootstrap(options: ServeOptions): BootstrapWishes {
  const { bootstrapOrgId: orgId, bootstrapPublicKey: publicKey, bootstrapPrivateKey: privateKey } = options;
  if (orgId !== undefined && !isId(orgId)) {
    throw new UserError('USAGE', ['--bootstrap-org-id is not of 24 lower-case hexadecimal digits']);
  }
  if (publicKey !== undefined && !/^[\w-]{1,64}$/.test(publicKey)) {
    throw new UserError('USAGE', ['--bootstrap-public-key has other characters than letters, digits, - and _']);
  }
  if (privateKey !== undefined && privateKey.length < MIN_PRIVATE_KEY_LENGTH) {
    throw new UserError('USAGE', [`--bootstrap-private-key is shorter than ${MIN_PRIVATE_KEY_LENGTH} characters`]);
  }
  return { orgId, publicKey, privateKey };
}
