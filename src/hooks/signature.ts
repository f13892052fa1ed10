import { createHmac } from 'node:crypto';
import { readPrivateFile } from '../platform/index.ts';

const PREFIX = 'whsec_';
/** The limits of the specification (https://www.standardwebhooks.com). */
const KEY_BYTES = { least: 24, most: 64 };

type SecretPlace = { readonly file: string } | { readonly environment: string; readonly text: string | undefined };

/**
 * Reads signing keys: one, or two of which a receiver may know either, while a secret is replaced.
 * @throws Error with the reason, which has no secret
 */
export function readSigningKeys(place: SecretPlace): readonly Buffer[] {
  const where = 'file' in place ? place.file : `the environment variable ${place.environment}`;
  const text = 'file' in place ? readSecretFile(place.file) : place.text;
  const secrets = (text ?? '').split(/\s+/).filter((line) => line !== '');
  if (secrets.length === 0) throw new Error(`${where} has no secret`);
  if (secrets.length > 2) throw new Error(`${where} has more than two secrets`);
  return secrets.map((secret) => keyOf(secret, where));
}

/** Returns the `webhook-signature` of a request: one signature for each key. */
export function signatures(
  keys: readonly Buffer[],
  { id, timestamp, body }: { readonly id: string; readonly timestamp: string; readonly body: string },
): string {
  const sign = (key: Buffer) => createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return keys.map((key) => `v1,${sign(key)}`).join(' ');
}

function readSecretFile(file: string): string {
  try {
    return readPrivateFile(file, `create another secret, and run chmod 600 ${file}`);
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

function keyOf(secret: string, where: string): Buffer {
  const encoded = secret.slice(PREFIX.length);
  const key = Buffer.from(encoded, 'base64');
  const isBase64 = key.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '');
  const isLongEnough = key.length >= KEY_BYTES.least && key.length <= KEY_BYTES.most;
  if (secret.startsWith(PREFIX) && isBase64 && isLongEnough) return key;
  throw new Error(`a secret in ${where} is not ${PREFIX} and ${KEY_BYTES.least} to ${KEY_BYTES.most} bytes in base64`);
}
