import { createHash } from 'node:crypto';

/** They say as whom to log in. All other options have a part in where a connection leads, and whether it is safe. */
const LOGIN_OPTIONS = ['authsource', 'authmechanism', 'authmechanismproperties'];
const DEFAULT_PORT = '27017';

/** Where a connection string leads, without its credentials. */
export interface DestinationAddress {
  readonly hosts: readonly string[];
  /** SHA-256 over scheme, hosts and options, hexadecimal: two strings with the same one differ in their credentials at most. */
  readonly fingerprint: string;
}

/** @param connectionString  one that was checked when it was registered */
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
    // By the name alone: of an option that comes twice the order counts.
    .sort(([left], [right]) => (left < right ? -1 : Number(left > right)));
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([scheme, hosts, options]))
    .digest('hex');
  return { hosts, fingerprint };
}
