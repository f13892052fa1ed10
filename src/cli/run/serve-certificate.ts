import { X509Certificate } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:http';
import { createSecureContext, Server as TlsServer } from 'node:tls';
import { keyPinOf } from '../../link/index.ts';
import { type Logger, messageOf, UserError } from '../../platform/index.ts';

/** Files of a server's certificate and key. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Interval for checking whether the certificate was renewed. Checking two files is cheap. */
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
 * Loads a renewed certificate without a restart, for new connections. It watches the files, because every way to renew a certificate writes
 * files, while not every one can send a signal. While certificate and key do not match, the old ones stay in use.
 * @param renewed  called after each renewed certificate was loaded
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
      logger.info({ event: 'certificate.reloaded', file: files.certFile }, 'loaded the renewed certificate');
    } catch (error) {
      logger.error(
        { event: 'certificate.unusable', reason: messageOf(error) },
        'the renewed certificate cannot be used: the old one stays in use',
      );
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
 * Returns the pin for link-tokens: of the server's own certificate, or of the CA at the end of its chain.
 * @throws UserError USAGE if the chain does not end with a CA
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
