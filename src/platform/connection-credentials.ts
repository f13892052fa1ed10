import { redact } from './redact.ts';

const SCHEME = /^mongodb(?:\+srv)?:\/\//;
/** User name and password as the driver accepts them. */
const READABLE = /^[^:/?#[\]@]*(?::[^:/?#[\]@]*)?$/;
const NOT_ENCODED =
  'the user name or password has a character that must be percent-encoded: write @ as %40, : as %3A, / as %2F, ? as %3F and % as %25';

/**
 * The reason why the credentials of a connection string are ambiguous; undefined when they aren't. Call this before the driver gets the
 * string: from `user:p@ss/word@host` it takes a part of the password as the host, and connects to it.
 */
export function whyUnreadable(uri: string): string | undefined {
  const rest = afterScheme(uri);
  if (rest === undefined || !rest.includes('@')) return undefined;
  const [authority = ''] = rest.split('?');
  // Without an @ before the first ?, the ? itself is part of the credentials.
  const credentials = (authority.includes('@') ? authority : rest).replace(/@[^@]*$/s, '');
  return READABLE.test(credentials) && isDecodable(credentials) ? undefined : NOT_ENCODED;
}

/** Why a connection string is not valid, without any part of its credentials. @param said  the driver's message */
export function whyInvalid(uri: string, said: string): string {
  // The text after the first of several @ may be part of a password, and the driver quotes unknown options.
  const isDoubtful = (afterScheme(uri)?.split('@').length ?? 0) > 2;
  return isDoubtful ? NOT_ENCODED : redact(said).replace(/\.$/, '');
}

/** Returns a connection string without user name and password. */
export function withoutCredentials(uri: string): string {
  return uri.replace(/^(mongodb(?:\+srv)?:\/\/)[^/?]*@/, '$1');
}

function afterScheme(uri: string): string | undefined {
  return SCHEME.test(uri) ? uri.replace(SCHEME, '') : undefined;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
