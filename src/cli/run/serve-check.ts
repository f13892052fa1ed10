import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findOrganizations, loadMasterKeys, unacknowledgedRestores } from '../../control/index.ts';
import { counted, isLoopback, messageOf } from '../../platform/index.ts';
import { openSqliteReader } from '../../store/sqlite/index.ts';
import type { ServeSettings } from './serve-settings.ts';

/** Result of one check. A warning means that a setting makes the server less secure than it could be. */
export interface ServeFinding {
  readonly level: 'ok' | 'warning' | 'failed';
  readonly subject: string;
  readonly message: string;
}

/** The server's data directory and key file. */
export interface ServeFiles {
  readonly dataDir: string;
  readonly keyFile: string;
}

const EVERY_ADDRESS = ['0.0.0.0/0', '::/0'];

/** Checks the settings, the master key and the store that the security of `linkspan serve` depends on. Changes nothing. */
export async function checkServe(settings: ServeSettings, files: ServeFiles): Promise<ServeFinding[]> {
  return [...ofSettings(settings), ofMasterKey(files), ...(await ofStore(files.dataDir))];
}

function ofSettings(settings: ServeSettings): ServeFinding[] {
  const { tls, host, publicUrl, trustedProxies, linkTokenLifetimeMs, allowedDestinations } = settings;
  const isPlain = tls === undefined && !isLoopback(host);
  const believesAll = trustedProxies.some((block) => EVERY_ADDRESS.includes(block));
  const dialsAll = EVERY_ADDRESS.every((block) => allowedDestinations.includes(block));
  const isUnlimited = settings.failedAttemptsPerMinute === Number.POSITIVE_INFINITY;
  return [
    isPlain
      ? failed(
          'network',
          'plain HTTP: anyone on the network path can read credentials. Set --tls-cert-file and --tls-key-file',
        )
      : ok('network', tls === undefined ? 'plain HTTP, for this machine or a proxy on it' : 'TLS'),
    publicUrl?.startsWith('http:') && !isLoopback(new URL(publicUrl).hostname)
      ? failed('public URL', `agents are sent to ${publicUrl} over plain HTTP. Set an https: URL`)
      : ok('public URL', publicUrl ?? 'the address it listens on'),
    believesAll
      ? failed('trusted proxies', 'every client can claim any address. List only the proxies in --trusted-proxies')
      : ok('trusted proxies', trustedProxies.join(', ') || 'none'),
    linkTokenLifetimeMs === undefined
      ? warning('link-tokens', 'they never expire. Set --link-token-hours')
      : ok('link-tokens', `they expire after ${counted(linkTokenLifetimeMs / 3_600_000, 'hour')}`),
    dialsAll
      ? warning('destinations', 'the server may connect to any address. List hosts or blocks in --allowed-destinations')
      : ok('destinations', allowedDestinations.join(', ')),
    settings.destinationUsers === 'FIXED'
      ? warning('users of migrations', 'agents get the registered credentials. Remove --destination-users fixed')
      : ok('users of migrations', 'one for each migration, if the registered user may create users'),
    ok('hooks', settings.hooks?.hooks.map(({ name }) => name).join(', ') ?? 'none'),
    settings.rateLimits && !isUnlimited
      ? ok('limits', 'requests and failed attempts are limited')
      : warning(
          'limits',
          'requests or failed attempts are not limited. Set --rate-limits and --failed-attempts-per-minute',
        ),
  ];
}

function ofMasterKey({ dataDir, keyFile }: ServeFiles): ServeFinding {
  const subject = `master key ${keyFile}`;
  if (!existsSync(keyFile)) return ok(subject, 'the first start creates it');
  try {
    loadMasterKeys(keyFile, false);
  } catch (error) {
    return failed(subject, messageOf(error));
  }
  return dirname(resolve(keyFile)) === resolve(dataDir)
    ? warning(subject, 'it is beside the store, so a copy of the directory contains both. Set --master-key-file')
    : ok(subject, 'only its owner can read it, and it is apart from the store');
}

async function ofStore(dataDir: string): Promise<ServeFinding[]> {
  if (!existsSync(join(dataDir, 'linkspan.db'))) return [ok('store', 'the first start creates it')];
  using store = openSqliteReader(dataDir);
  const restores = await unacknowledgedRestores(store);
  const open: string[] = [];
  for (const { id, accessListRequired } of await findOrganizations(store)) {
    const keys = await store.find('accounts', { orgId: id });
    if (!accessListRequired && keys.some(({ accessList }) => accessList.length === 0)) open.push(id);
  }
  return [
    restores.length > 0
      ? failed('restores', `${restores.length} wait for a review of credentials. Run linkspan restored`)
      : ok('restores', 'none waits for a review'),
    open.length > 0
      ? warning(
          'access lists',
          `keys without an access list work from any address, in the organizations ${open.join(', ')}`,
        )
      : ok('access lists', 'every key has one, or its organization requires it'),
  ];
}

function ok(subject: string, message: string): ServeFinding {
  return { level: 'ok', subject, message };
}

function warning(subject: string, message: string): ServeFinding {
  return { level: 'warning', subject, message };
}

function failed(subject: string, message: string): ServeFinding {
  return { level: 'failed', subject, message };
}
