import type { DigestAlgorithm } from './response.ts';

/** A server's request for HTTP digest credentials. */
export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: DigestAlgorithm;
  /** An optional value that the client sends back unchanged. */
  readonly opaque: string | undefined;
}

/** A parameter of a challenge. The scheme stands before the first one: `Digest realm="x", nonce="y"`. */
const PARAMETER = /(?:([a-z]+)\s+)?([a-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/gi;

/**
 * Reads the first digest challenge that this client can answer. Servers send the strongest first.
 * @param header  `WWW-Authenticate`; several headers of that name are joined by commas, as `fetch` does
 * @returns undefined when there is none: another scheme, another algorithm, or only `qop=auth-int`
 */
export function readChallenge(header: string): Challenge | undefined {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  for (const [, scheme, name = '', quoted, token = ''] of header.matchAll(PARAMETER)) {
    if (scheme) found.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    found.at(-1)?.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token);
  }
  const digests = found.filter(({ scheme }) => scheme === 'digest');
  return digests.map(({ parameters }) => challengeOf(parameters)).find((challenge) => challenge !== undefined);
}

function challengeOf(parameters: ReadonlyMap<string, string>): Challenge | undefined {
  const [realm, nonce, opaque] = [parameters.get('realm'), parameters.get('nonce'), parameters.get('opaque')];
  const algorithm = (parameters.get('algorithm') ?? 'MD5').toUpperCase();
  const qualities = (parameters.get('qop') ?? 'auth').split(/\s*,\s*/);
  if (realm === undefined || nonce === undefined || !qualities.includes('auth')) return undefined;
  return algorithm === 'MD5' || algorithm === 'SHA-256' ? { realm, nonce, algorithm, opaque } : undefined;
}
