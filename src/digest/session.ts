import { randomBytes } from 'node:crypto';
import { type Challenge, readChallenge } from './challenge.ts';
import { digestHash, digestResponse } from './response.ts';

interface Answered extends Challenge {
  readonly ha1: string;
  readonly cnonce: string;
  /** How many requests used the nonce. */
  count: number;
}

/** Credentials for HTTP digest (RFC 7616) at one server. It keeps the server's nonce and counts its uses. */
export class DigestSession {
  readonly #username: string;
  readonly #password: string;
  #answered: Answered | undefined;

  constructor(username: string, password: string) {
    this.#username = username;
    this.#password = password;
  }

  /**
   * Takes the nonce of a challenge for the next requests.
   * @param header  `WWW-Authenticate` of an answer with status 401
   * @returns false when it has no challenge that this client can answer
   */
  accept(header: string): boolean {
    const challenge = readChallenge(header);
    if (!challenge) return false;
    const ha1 = digestHash(challenge.algorithm, `${this.#username}:${challenge.realm}:${this.#password}`);
    this.#answered = { ...challenge, ha1, cnonce: randomBytes(8).toString('hex'), count: 0 };
    return true;
  }

  /** Forgets the nonce, so that the next request asks for a new one. */
  forget(): void {
    this.#answered = undefined;
  }

  /**
   * Returns the `Authorization` header of one request, undefined before the first challenge.
   * @param target  the request line's path and query, byte for byte
   */
  authorization(method: string, target: string): string | undefined {
    const answered = this.#answered;
    if (!answered) return undefined;
    answered.count += 1;
    const { realm, nonce, algorithm, opaque, ha1, cnonce, count } = answered;
    const nc = count.toString(16).padStart(8, '0');
    const response = digestResponse({ algorithm, ha1, method, uri: target, nonce, nc, cnonce });
    const parameters = [
      `username=${quoted(this.#username)}`,
      `realm=${quoted(realm)}`,
      `nonce=${quoted(nonce)}`,
      `uri="${target}"`,
      `response="${response}"`,
      `algorithm=${algorithm}`,
      `cnonce="${cnonce}"`,
      'qop=auth',
      `nc=${nc}`,
      ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ];
    return `Digest ${parameters.join(', ')}`;
  }
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
