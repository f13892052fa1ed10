/** The algorithms of RFC 7616 that Linkspan speaks; never the -sess variants, which no Atlas client sends. */
export type DigestAlgorithm = 'MD5' | 'SHA-256';

/** What a client claims in its `Authorization: Digest` header. */
export interface DigestCredentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly algorithm: DigestAlgorithm;
  readonly nc: string;
  readonly cnonce: string;
}

/** Longer headers are no digest credentials; Node's own limit for all headers is 16 KiB. */
const MAX_HEADER_LENGTH = 4096;

/** One `name=value` or `name="value"` and what separates it from the next. */
const PARAMETER = /\s*([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)/y;

/**
 * Reads an `Authorization` header.
 *
 * Clients differ in what they quote: requests sends `qop="auth"`, Go's digest `algorithm="MD5"`, and urllib leaves the algorithm
 * out, which means MD5 (RFC 7616 §3.4). A parameter given twice is refused: two readers could take different ones.
 * @returns null where the header is not Digest or not complete
 */
export function parseDigestHeader(header: string): DigestCredentials | null {
  const scheme = /^digest\s+/i.exec(header);
  if (!scheme || header.length > MAX_HEADER_LENGTH) return null;
  const parameters = parseParameters(header.slice(scheme[0].length));
  if (!parameters) return null;

  const algorithm = parseAlgorithm(parameters.get('algorithm'));
  const [username, realm, nonce, uri, response, nc, cnonce] = [
    'username',
    'realm',
    'nonce',
    'uri',
    'response',
    'nc',
    'cnonce',
  ].map((name) => parameters.get(name));
  if (!algorithm || !username || realm === undefined || !nonce || !uri || !response || !nc || !cnonce) return null;
  if (parameters.get('qop') !== 'auth' || !/^[0-9a-f]{8}$/i.test(nc)) return null;
  return { username, realm, nonce, uri, response: response.toLowerCase(), algorithm, nc, cnonce };
}

function parseParameters(text: string): Map<string, string> | null {
  const parameters = new Map<string, string>();
  const matcher = new RegExp(PARAMETER);
  while (matcher.lastIndex < text.length) {
    const match = matcher.exec(text);
    const name = match?.[1]?.toLowerCase();
    if (!match || name === undefined || parameters.has(name)) return null;
    parameters.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '');
  }
  return parameters;
}

function parseAlgorithm(text = 'MD5'): DigestAlgorithm | null {
  const upper = text.toUpperCase();
  return upper === 'MD5' || upper === 'SHA-256' ? upper : null;
}
