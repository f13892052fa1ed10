import { MongoClient } from 'mongodb';

/**
 * Returns a connection string that only names the cluster: hosts or SRV name, replica set, and whether TLS is used. It
 * has no user, password, token or other setting. Returns an empty text for a string that the driver can't parse.
 */
export function plainAddress(uri: string): string {
  try {
    // The constructor parses the string and opens no connection.
    const { srvHost, hosts, replicaSet, tls } = new MongoClient(uri).options;
    if (srvHost) return `mongodb+srv://${srvHost}/`;
    const settings = new URLSearchParams({ ...(replicaSet && { replicaSet }), ...(tls && { tls: 'true' }) }).toString();
    return `mongodb://${hosts.map(String).join(',')}/${settings === '' ? '' : `?${settings}`}`;
  } catch {
    return '';
  }
}
