import { neverDialled, UserError } from '../platform/index.ts';

/**
 * Options by which whoever registers a cluster could reach into an agent's host (files, proxies) or have it trust anybody. What would
 * weaken a migration's promises is the engine's to refuse.
 */
const REFUSED_OPTIONS = [
  'tlsinsecure',
  'tlsallowinvalidcertificates',
  'tlsallowinvalidhostnames',
  'sslvalidate',
  'tlscafile',
  'tlscertificatekeyfile',
  'tlscrlfile',
  'proxyhost',
  'proxyport',
];

const FORM = /^mongodb(\+srv)?:\/\/(?:[^@/?#\s]+@)?([^@/?#\s]+)(?:\/([^?#\s]*))?(?:\?([^#\s]*))?$/;
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/**
 * Checks the form of a destination's connection string.
 * @throws UserError INVALID_DESTINATION_CONNECTION_STRING, which repeats no part of the string but an option's name
 */
export function checkConnectionString(text: string): void {
  const [whole, , hosts = '', , query = ''] = FORM.exec(text) ?? [];
  if (whole === undefined) throw invalid('it is not of the form mongodb://user:password@host/?options');
  if (!hosts.split(',').every((host) => HOST.test(host)))
    throw invalid('a host in it is not a name or address with an optional port');
  for (const host of hosts.split(',')) {
    const never = neverDialled(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
    if (never !== undefined) throw invalid(`a host in it is ${never}`);
  }
  for (const name of new URLSearchParams(query).keys()) {
    if (REFUSED_OPTIONS.includes(name.toLowerCase())) throw invalid(`the option ${name} is not allowed`);
  }
}

function invalid(what: string): UserError {
  return new UserError('INVALID_DESTINATION_CONNECTION_STRING', [what]);
}
