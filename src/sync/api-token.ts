import { createHash, timingSafeEqual } from 'node:crypto';
import { messageOf, readPrivateFile, UserError } from '../platform/index.ts';

/** Characters of 62 kinds: 22 of them carry 128 bits. Shorter ones can be guessed. */
const LEAST_LENGTH = 22;

/** The token that calls of the API must present. */
export class ApiToken {
  readonly #hash: Buffer;

  /** @param text  the token alone */
  constructor(text: string) {
    this.#hash = hashOf(text);
  }

  /** Whether an `Authorization` header presents the token. Takes the same time for all that don't. */
  isIn(header: string | undefined): boolean {
    const [, given = ''] = /^bearer ([!-~]+)$/i.exec(header ?? '') ?? [];
    return timingSafeEqual(hashOf(given), this.#hash);
  }
}

/**
 * The token of a file: one line of at least 22 visible ASCII characters.
 * @throws UserError SYNC_TOKEN_UNUSABLE
 */
export function readApiToken(file: string): ApiToken {
  try {
    const text = readPrivateFile(file, 'make a new token in a file of mode 600').trim();
    if (!/^[!-~]+$/.test(text) || text.length < LEAST_LENGTH) {
      throw new Error(`it does not hold one token of at least ${LEAST_LENGTH} characters without blanks`);
    }
    return new ApiToken(text);
  } catch (error) {
    throw new UserError('SYNC_TOKEN_UNUSABLE', [file, messageOf(error)], { cause: error });
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
