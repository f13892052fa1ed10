import { createHash, timingSafeEqual } from 'node:crypto';
import { messageOf, readPrivateFile, UserError } from '../platform/index.ts';

/** Minimum length of a token: 22 letters and digits have 128 bits. Shorter tokens can be guessed. */
const LEAST_LENGTH = 22;

/** The token that API calls must send. */
export class ApiToken {
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
 * @throws UserError SYNC_TOKEN_UNUSABLE
 */
export function readApiToken(file: string): ApiToken {
  try {
    const text = readPrivateFile(file, 'create a new token in a file of mode 600').trim();
    if (!/^[!-~]+$/.test(text) || text.length < LEAST_LENGTH) {
      throw new Error(`it does not contain one token of at least ${LEAST_LENGTH} characters without blanks`);
    }
    return new ApiToken(text);
  } catch (error) {
    throw new UserError('SYNC_TOKEN_UNUSABLE', [file, messageOf(error)], { cause: error });
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
