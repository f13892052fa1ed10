import { redact } from './redact.ts';

const SCHEME = /^mongodb(?:\+srv)?:\/\//;
/** What the driver takes as user name and password. */
const READABLE = /^[^:/?#[\]@]*(?::[^:/?#[\]@]*)?$/;
const NOT_ENCODED =
  'the user name or password has a character that must be percent-encoded: write @ as %40, : as %3A, / as %2F, ? as %3F and % as %25';

/**
 * Why the credentials of a connection string can't be read as they are meant; undefined when they can. To be asked before the driver: with
 * `user:p@ss/word@host` it takes a part of the password for the host, and dials it.
 */
export function whyUnreadable(uri: string): string | undefined {
  const rest = afterScheme(uri);
  if (rest === undefined || !rest.includes('@')) return undefined;
  const [authority = ''] = rest.split('?');
  // Without an @ before the first ?, the ? itself is part of the credentials.
  const credentials = (authority.includes('@') ? authority : rest).replace(/@[^@]*$/s, '');
  return READABLE.test(credentials) && isDecodable(credentials) ? undefined : NOT_ENCODED;
}

/** Why a connection string is not valid, without any part of its credentials. @param said  the message of the driver */
export function whyInvalid(uri: string, said: string): string {
  // What follows the first of several @ may be part of a password, and the driver quotes options that it does not know.
  const isDoubtful = (afterScheme(uri)?.split('@').length ?? 0) > 2;
  return isDoubtful ? NOT_ENCODED : redact(said).replace(/\.$/, '');
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
