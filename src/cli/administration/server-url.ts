import { UserError } from '../../platform/index.ts';
import type { Profile } from './profile.ts';

/**
 * Returns the base URL of a profile if no one else can read the traffic: HTTPS, loopback, or plain HTTP that the profile allows.
 *
 * One rule holds for both kinds of credentials. HTTP digest does not send the private key, but a service account sends its secret. Requests and
 * answers of both carry connection strings, link-tokens and private keys of new API keys.
 * @throws UserError USAGE, API_OVER_PLAIN_HTTP
 */
export function serverUrlOf({ url: given = 'http://127.0.0.1:8080', plainHttp = 'loopback' }: Profile): string {
  const url = URL.parse(given);
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (!url || !isHttp || url.username !== '' || url.password !== '') {
    // A URL with an @ may contain a password.
    const isAddress = /^[\w.[\]:-]+(\/[^@]*)?$/.test(given) && URL.parse(`http://${given}`) !== null;
    if (isAddress)
      throw new UserError('USAGE', [`LINKSPAN_URL or the url of the profile has no scheme: write http://${given}`]);
    throw new UserError('USAGE', [
      'LINKSPAN_URL or the url of the profile is not an http or https URL without credentials',
    ]);
  }
  if (plainHttp !== 'loopback' && plainHttp !== 'anywhere') {
    throw new UserError('USAGE', ['LINKSPAN_PLAIN_HTTP is loopback or anywhere']);
  }
  const isSafe = url.protocol === 'https:' || isThisMachine(url.hostname) || plainHttp === 'anywhere';
  if (!isSafe) throw new UserError('API_OVER_PLAIN_HTTP', [url.origin]);
  return given.replace(/\/+$/, '');
}

/** @param hostname  host name of a parsed URL, which has addresses in canonical form */
function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
