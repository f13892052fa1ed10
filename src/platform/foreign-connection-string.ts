import { whyUnreadable } from './connection-credentials.ts';

/**
 * Connection options that a user other than this machine's operator may set. None of them names a file, a program, a proxy or an
 * identity of this machine. None weakens TLS or enables decompression of a server's data. Keys are in lower case, with the allowed
 * values, or `any` for a name or number.
 */
const ALLOWED_OPTIONS: ReadonlyMap<string, 'any' | readonly string[]> = new Map<string, 'any' | readonly string[]>([
  ['replicaset', 'any'],
  ['tls', ['true', 'false']],
  ['ssl', ['true', 'false']],
  ['authsource', 'any'],
  // Other mechanisms run programs, or send the machine's own cloud or Kerberos identity to a stranger.
  ['authmechanism', ['SCRAM-SHA-1', 'SCRAM-SHA-256']],
  ['appname', 'any'],
  ['retrywrites', ['true', 'false']],
  ['retryreads', ['true', 'false']],
  ['directconnection', ['true', 'false']],
  ['connecttimeoutms', 'any'],
  ['serverselectiontimeoutms', 'any'],
  ['heartbeatfrequencyms', 'any'],
  ['maxidletimems', 'any'],
  ['maxpoolsize', 'any'],
  ['minpoolsize', 'any'],
  ['localthresholdms', 'any'],
  ['srvmaxhosts', 'any'],
  // The engine checks these values and refuses those that would weaken a migration (WEAK_CONNECTION_OPTION).
  ['readpreference', 'any'],
  ['readconcernlevel', 'any'],
  ['w', 'any'],
  ['journal', ['true', 'false']],
  ['sockettimeoutms', 'any'],
  ['wtimeoutms', 'any'],
]);

/** Printable ASCII without blanks. The driver strips tabs and line breaks, so it would read another string than was checked. */
const CHARACTERS = /^[\x21-\x7e]+$/;
const FORM = /^(mongodb(?:\+srv)?):\/\/(?:([^:@/?#]*)(?::([^:@/?#]*))?@)?([^@/?#]+)(?:\/([^/?#]*))?(?:\?([^?#]*))?$/;
/** The driver takes a host that ends with `.sock` as the path of a Unix socket. */
const HOST = /^(?!.*\.sock$)(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const OPTION_NAME = /^[A-Za-z]{1,40}$/;
const OPTION_VALUE = /^[A-Za-z0-9 ._:-]{1,128}$/;

/** A connection string of which every part was checked. */
export interface ForeignConnectionString {
  /** `host` or `host:port`, as written. */
  readonly hosts: readonly string[];
  /** The string, written again from the checked parts. Connect only with this text. */
  readonly text: string;
}

/** The part of a connection string that is refused, and why. */
export type RefusedPart =
  | { readonly kind: 'form'; readonly reason: string }
  | { readonly kind: 'host' }
  | { readonly kind: 'option'; readonly name: string };

/** Thrown by {@link readForeignConnectionString}. It repeats nothing of the string except an option's name. */
export class ConnectionStringRefused extends Error {
  readonly part: RefusedPart;

  constructor(part: RefusedPart) {
    super(part.kind === 'form' ? part.reason : part.kind);
    this.part = part;
  }
}

/**
 * Reads a connection string from a user other than this machine's operator. It accepts only options of an allow-list, names and
 * addresses as hosts, and SCRAM.
 * @throws ConnectionStringRefused
 */
export function readForeignConnectionString(given: string): ForeignConnectionString {
  if (!CHARACTERS.test(given)) throw refusedForm('it contains a blank, a control character or a non-ASCII character');
  const unreadable = whyUnreadable(given);
  if (unreadable !== undefined) throw refusedForm(unreadable);
  const [whole, scheme = '', user, password, hostList = '', database = '', query = ''] = FORM.exec(given) ?? [];
  if (whole === undefined) throw refusedForm('it is not of the form mongodb://user:password@host/?options');
  const hosts = hostList.split(',');
  if (!hosts.every((host) => HOST.test(host))) throw new ConnectionStringRefused({ kind: 'host' });
  const options = query === '' ? [] : query.split('&').map(readOption);
  const credentials =
    user === undefined ? '' : `${recode(user)}${password === undefined ? '' : `:${recode(password)}`}@`;
  const search = options.length === 0 ? '' : `?${options.join('&')}`;
  return { hosts, text: `${scheme}://${credentials}${hostList}/${recode(database)}${search}` };
}

/** Checks an option. @returns the option with its value encoded */
function readOption(text: string): string {
  const [name = '', ...rest] = text.split('=').map(decode);
  const [value = ''] = rest;
  if (!OPTION_NAME.test(name)) throw refusedForm('the name of an option contains characters other than letters');
  const allowed = ALLOWED_OPTIONS.get(name.toLowerCase());
  const isAllowed = allowed === 'any' ? OPTION_VALUE.test(value) : (allowed?.includes(value) ?? false);
  if (!isAllowed || rest.length !== 1) throw new ConnectionStringRefused({ kind: 'option', name });
  return `${name}=${encodeURIComponent(value)}`;
}

function recode(text: string): string {
  return encodeURIComponent(decode(text));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusedForm('it contains a % that does not encode a character');
  }
}

function refusedForm(reason: string): ConnectionStringRefused {
  return new ConnectionStringRefused({ kind: 'form', reason });
}
