import { createHash, timingSafeEqual } from 'node:crypto';
import { messageOf, UserError } from './errors/index.ts';
import { readPrivateFile } from './private-file.ts';

/** Minimum length of a token: 22 letters and digits have 128 bits. Shorter tokens can be guessed. */
const LEAST_LENGTH = 22;

/** A token that requests must send. */
export class BearerToken {
  readonly #hash: Buffer;

  /** @param text  the token, without `Bearer` */
  constructor(text: string) {
    this.#hash = hashOf(text);
  }

  /** Whether an `Authorization` header contains the token. Compares in constant time. */
  isIn(header: string | undefined): boolean {
    const [, given = ''] = /^bearer ([!-~]+)$/i.exec(header ?? '') ?? [];
    return timingSafeEqual(hashOf(given), this.#hash);
  }
}

/**
 * Reads the token from a file: one line of at least 22 visible ASCII characters.
 * @param code  the error of a file that can't be used
 * @throws UserError with that code
 */
export function readBearerToken(file: string, code: 'SYNC_TOKEN_UNUSABLE' | 'METRICS_TOKEN_UNUSABLE'): BearerToken {
  try {
    const text = readPrivateFile(file, 'create a new token in a file of mode 600').trim();
    if (!/^[!-~]+$/.test(text) || text.length < LEAST_LENGTH) {
      throw new Error(`it does not contain one token of at least ${LEAST_LENGTH} characters without blanks`);
    }
    return new BearerToken(text);
  } catch (error) {
    throw new UserError(code, [file, messageOf(error)], { cause: error });
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
