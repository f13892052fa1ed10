import { X509Certificate } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:http';
import { createSecureContext, Server as TlsServer } from 'node:tls';
import { keyPinOf } from '../../link/index.ts';
import { type Logger, messageOf, UserError } from '../../platform/index.ts';

/** Where a server's certificate is kept. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Renewed certificates are taken up so soon. Looking at two files costs nothing. */
const LOOK_EVERY_MS = 1000;

/**
 * Reads certificate chain and key, and checks that they belong together.
 * @throws UserError USAGE
 */
export function readCertificate({ certFile, keyFile }: TlsFiles): { readonly cert: string; readonly key: string } {
  const pem = { cert: readPem(certFile), key: readPem(keyFile) };
  try {
    createSecureContext(pem);
  } catch (error) {
    const problem = `The certificate ${certFile} and the key ${keyFile} cannot be used: ${messageOf(error)}`;
    throw new UserError('USAGE', [problem], { cause: error });
  }
  return pem;
}

/**
 * Takes a renewed certificate up without a restart, for connections from then on. By watching and not by a signal: whoever renews
 * certificates, in a container or by hand, writes files. While the two files do not fit each other, the old one stays.
 * @param renewed  is told of each one that was taken up
 */
export function followCertificate(
  server: Server,
  files: TlsFiles,
  logger: Logger,
  renewed: (files: TlsFiles) => void,
): Disposable {
  const reload = () => {
    try {
      if (server instanceof TlsServer) server.setSecureContext(readCertificate(files));
      renewed(files);
      logger.info({ file: files.certFile }, 'took up the renewed certificate');
    } catch (error) {
      logger.error({ reason: messageOf(error) }, 'the renewed certificate cannot be used: the former one stays');
    }
  };
  const paths = [files.certFile, files.keyFile];
  for (const path of paths) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, reload);
  return {
    [Symbol.dispose]: () => {
      for (const path of paths) unwatchFile(path, reload);
    },
  };
}

/**
 * The pin of the server's own certificate, or of the CA at the end of its chain, as link-tokens carry it.
 * @throws UserError USAGE where the chain has no CA at its end
 */
export function pinOf({ certFile }: Pick<TlsFiles, 'certFile'>, which: 'none' | 'key' | 'ca'): string | undefined {
  if (which === 'none') return undefined;
  const chain = readPem(certFile).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const pinned = new X509Certificate((which === 'key' ? chain[0] : chain.at(-1)) ?? '');
  if (which === 'ca' && !pinned.ca) {
    throw new UserError('USAGE', [`--tls-pin ca needs the CA's certificate at the end of ${certFile}`]);
  }
  return keyPinOf(pinned);
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError('USAGE', [`The file ${file} cannot be read: ${messageOf(error)}`], { cause: error });
  }
}
