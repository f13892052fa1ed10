import type { DigestAlgorithm } from '../../digest/index.ts';

/** A client's claims in its `Authorization: Digest` header. */
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

/** Maximum length of a digest header, in characters. Node's own limit for all headers is 16 KiB. */
const MAX_HEADER_LENGTH = 4096;

const NAME = /^[a-z][\w-]*$/;
const TOKEN = /^[^\s",]+$/;
/** A quoted text, in which `\x` stands for x. */
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/**
 * Reads an `Authorization` header.
 *
 * Clients differ in what they quote: requests sends `qop="auth"`, Go's digest sends `algorithm="MD5"`. urllib omits the algorithm,
 * which means MD5 (RFC 7616 §3.4). A repeated parameter is invalid, because two readers could use different values.
 * @returns null when the header is not Digest or not complete
 */
export function parseDigestHeader(header: string): DigestCredentials | null {
  const scheme = /^digest\s+/i.exec(header);
  if (!scheme || header.length > MAX_HEADER_LENGTH) return null;
  const parameters = parseParameters(header.slice(scheme[0].length));
  if (!parameters) return null;

  const algorithm = parseAlgorithm(parameters.get('algorithm'));
  const username = parameters.get('username');
  const realm = parameters.get('realm');
  const nonce = parameters.get('nonce');
  const uri = parameters.get('uri');
  const response = parameters.get('response');
  const nc = parameters.get('nc');
  const cnonce = parameters.get('cnonce');
  if (!algorithm || !username || realm === undefined || !nonce || !uri || !response || !nc || !cnonce) return null;
  if (parameters.get('qop') !== 'auth' || !/^[0-9a-f]{8}$/i.test(nc)) return null;
  return { username, realm, nonce, uri, response: response.toLowerCase(), algorithm, nc, cnonce };
}

/** Reads `name=value` and `name="value"` pairs separated by commas. A single pass, because every request needs it. */
function parseParameters(text: string): Map<string, string> | null {
  const parameters = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf('=', at);
    const name = text.slice(at, Math.max(at, equals)).trim().toLowerCase();
    const value = readValue(text, equals + 1);
    if (!value || !NAME.test(name) || parameters.has(name)) return null;
    parameters.set(name, value.text);
    at = value.end + 1;
  }
  return parameters;
}

/** @returns the value at `start`, and the position of the comma after it or of the end; null when it is malformed */
function readValue(text: string, start: number): { readonly text: string; readonly end: number } | null {
  let first = start;
  while (text[first] === ' ' || text[first] === '\t') first += 1;
  if (text[first] !== '"') {
    const end = endAt(text, first);
    const token = text.slice(first, end).trim();
    return TOKEN.test(token) ? { text: token, end } : null;
  }
  let close = text.indexOf('"', first + 1);
  let quoted = text.slice(first + 1, close);
  if (quoted.includes('\\')) {
    QUOTED.lastIndex = first;
    const match = QUOTED.exec(text);
    if (!match) return null;
    close = QUOTED.lastIndex - 1;
    quoted = (match[1] ?? '').replace(/\\(.)/g, '$1');
  }
  const end = endAt(text, close);
  return close > 0 && text.slice(close + 1, end).trim() === '' ? { text: quoted, end } : null;
}

function endAt(text: string, from: number): number {
  const comma = text.indexOf(',', from);
  return comma < 0 ? text.length : comma;
}

function parseAlgorithm(text = 'MD5'): DigestAlgorithm | null {
  const upper = text.toUpperCase();
  return upper === 'MD5' || upper === 'SHA-256' ? upper : null;
}
