import { createHash } from 'node:crypto';

/** Options about the login. All other options affect which server a connection reaches and how secure it is. */
const LOGIN_OPTIONS = ['authsource', 'authmechanism', 'authmechanismproperties'];
const DEFAULT_PORT = '27017';

/** The address part of a connection string, without its credentials. */
export interface DestinationAddress {
  readonly hosts: readonly string[];
  /** SHA-256 over scheme, hosts and options, hexadecimal. Two strings with the same fingerprint differ only in credentials. */
  readonly fingerprint: string;
}

/** Reads the address part of a connection string. @param connectionString  one that was checked at its registration */
export function addressOf(connectionString: string): DestinationAddress {
  const [, scheme = '', hostList = '', query = ''] =
    /^([a-z+]+):\/\/(?:[^@/?]*@)?([^/?]*)(?:\/[^?]*)?(?:\?(.*))?$/.exec(connectionString) ?? [];
  const isSrv = scheme === 'mongodb+srv';
  const hosts = hostList
    .toLowerCase()
    .split(',')
    .map((host) => (isSrv || /:\d+$/.test(host) ? host : `${host}:${DEFAULT_PORT}`))
    .sort();
  const options = query
    .split('&')
    .filter((option) => option !== '')
    .map((option) => option.split('=').map(decodeURIComponent))
    .map(([name = '', value = '']) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !LOGIN_OPTIONS.includes(name))
    // Sorted only by name, because the order of a repeated option matters.
    .sort(([left], [right]) => (left < right ? -1 : Number(left > right)));
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([scheme, hosts, options]))
    .digest('hex');
  return { hosts, fingerprint };
}
