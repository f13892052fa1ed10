import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { loadMasterKeys, unacknowledgedRestores } from '../../control/index.ts';
import { counted, messageOf } from '../../platform/index.ts';
import { openSqliteReader } from '../../store/sqlite/index.ts';
import { isLoopback } from './serve-address.ts';
import type { ServeSettings } from './serve-settings.ts';

/** One thing that was looked at. A warning is a choice that makes the server less safe than it can be. */
export interface ServeFinding {
  readonly level: 'ok' | 'warning' | 'failed';
  readonly subject: string;
  readonly message: string;
}

/** Where the server keeps what it has. */
export interface ServeFiles {
  readonly dataDir: string;
  readonly keyFile: string;
}

const EVERY_ADDRESS = ['0.0.0.0/0', '::/0'];

/** Looks at what the security of `linkspan serve` depends on: its settings, its master key and its store. Changes nothing. */
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
          'plain HTTP: whoever is on the way reads credentials. Give --tls-cert-file and --tls-key-file',
        )
      : ok('network', tls === undefined ? 'plain HTTP, for this machine or a proxy on it' : 'TLS'),
    publicUrl?.startsWith('http:') && !isLoopback(new URL(publicUrl).hostname)
      ? failed('public URL', `agents are sent to ${publicUrl} over plain HTTP. Give an https: URL`)
      : ok('public URL', publicUrl ?? 'the address it listens on'),
    believesAll
      ? failed('trusted proxies', 'every client may claim any address. Name the proxies only in --trusted-proxies')
      : ok('trusted proxies', trustedProxies.join(', ') || 'none'),
    linkTokenLifetimeMs === undefined
      ? warning('link-tokens', 'they never expire. Give --link-token-hours')
      : ok('link-tokens', `they expire after ${counted(linkTokenLifetimeMs / 3_600_000, 'hour')}`),
    dialsAll
      ? warning('destinations', 'any address may be dialled. Name hosts or blocks in --allowed-destinations')
      : ok('destinations', allowedDestinations.join(', ')),
    settings.destinationUsers === 'fixed'
      ? warning('users of migrations', 'agents get the registered credentials. Leave out --destination-users fixed')
      : ok('users of migrations', 'one for each migration, where the registered user may make users'),
    settings.rateLimits && !isUnlimited
      ? ok('limits', 'requests and failed attempts are limited')
      : warning('limits', 'requests or failed attempts are not limited: --rate-limits, --failed-attempts-per-minute'),
  ];
}

function ofMasterKey({ dataDir, keyFile }: ServeFiles): ServeFinding {
  const subject = `master key ${keyFile}`;
  if (!existsSync(keyFile)) return ok(subject, 'the first start makes it');
  try {
    loadMasterKeys(keyFile, false);
  } catch (error) {
    return failed(subject, messageOf(error));
  }
  return dirname(resolve(keyFile)) === resolve(dataDir)
    ? warning(subject, 'it is beside the store, so a copy of the directory has both. Give --master-key-file')
    : ok(subject, 'for its owner alone, apart from the store');
}

async function ofStore(dataDir: string): Promise<ServeFinding[]> {
  if (!existsSync(join(dataDir, 'linkspan.db'))) return [ok('store', 'the first start makes it')];
  using store = openSqliteReader(dataDir);
  const restores = await unacknowledgedRestores(store);
  const open: string[] = [];
  for (const { id, accessListRequired } of await store.organizations()) {
    const keys = [...(await store.apiKeysOf(id)), ...(await store.serviceAccountsOf(id))];
    if (!accessListRequired && keys.some(({ accessList }) => accessList.length === 0)) open.push(id);
  }
  return [
    restores.length > 0
      ? failed('restores', `${restores.length} wait for a review of credentials: linkspan restored`)
      : ok('restores', 'none waits for a review'),
    open.length > 0
      ? warning('access lists', `keys without one are good from anywhere, in the organizations ${open.join(', ')}`)
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
