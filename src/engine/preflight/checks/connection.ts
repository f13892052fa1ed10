import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { MongoClient } from 'mongodb';
import { messageOf, UserError } from '../../../platform/index.ts';
import { unlessAborted } from '../../concurrency/unless-aborted.ts';
import type { ClusterAddress } from '../../mongodb/connect.ts';
import { connectCluster, UNREACHABLE } from '../../mongodb/connect.ts';
import type { Side } from '../../mongodb/side.ts';
import { type Found, found } from '../finding.ts';
import type { TimeLimit } from '../within.ts';

/** Messages of Node.js and OpenSSL about certificates, and about a side without TLS. */
const OF_TLS = /certificate|self-signed|\bTLS\b|\bSSL\b|wrong version number|EPROTO/i;

/** A client, or the finding why there is none. */
export type Connection = { readonly client: MongoClient } | { readonly client?: undefined; readonly found: Found };

/** Connects to one side. Never rejects for a problem that its user can fix. */
export async function openConnection(address: ClusterAddress, side: Side, limit: TimeLimit): Promise<Connection> {
  const unusable = checkCaFile(address, side);
  if (unusable !== undefined) return { found: unusable };
  const connecting = connectCluster({ ...address, uri: inTime(address.uri, limit.ms) }, side);
  try {
    const client = await unlessAborted(connecting, limit.soft);
    if (client !== undefined) return { client };
    connecting.then((late) => late.close()).catch(() => undefined);
    return { found: found(UNREACHABLE[side], ['it did not answer in time']) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { code, parameters } = error;
    const [reason = ''] = parameters;
    return {
      found: code === UNREACHABLE[side] && OF_TLS.test(reason) ? found('TLS_FAILED', [side, reason]) : { error },
    };
  }
}

/** Returns a connection string that waits no longer than the given time; a shorter time of its own stays. */
function inTime(uri: string, mostMs: number): string {
  return uri.replace(/(?<=[?&]serverSelectionTimeoutMS=)\d+/i, (ms) => String(Math.min(Number(ms), mostMs)));
}

/** Returns a finding when an address names a CA file that doesn't exist or has no certificate. */
function checkCaFile(address: ClusterAddress, side: Side): Found | undefined {
  const options = new URLSearchParams(address.uri.split('?')[1]);
  const [, named] = [...options].find(([name]) => name.toLowerCase() === 'tlscafile') ?? [];
  const path = address.tlsCaFile ?? named;
  if (path === undefined) return undefined;
  try {
    const pem = readFileSync(path);
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it has no certificate in PEM form');
    createSecureContext({ ca: pem });
    return undefined;
  } catch (error) {
    return found('CA_FILE_UNUSABLE', [path, side, messageOf(error)]);
  }
}

/** Whether documents and passwords would cross a network in the clear. */
export function checkEncryption(client: MongoClient, side: Side): Found[] {
  if (client.options.tls || client.options.hosts.every(({ host = '' }) => isLoopback(host))) return [];
  return [found('CONNECTION_NOT_ENCRYPTED', [side])];
}

function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === 'localhost' || host === '::1';
}
