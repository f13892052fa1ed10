import type { BootstrapOptions } from '../../control/index.ts';
import { type Hooks, readHooks } from '../../hooks/index.ts';
import type { DigestAlgorithm } from '../../http/index.ts';
import {
  isAddressOrBlock,
  isAllowedDestination,
  isLoopback,
  type ListenAddress,
  parseListenAddress,
  UserError,
} from '../../platform/index.ts';
import type { MetricsFlags } from '../command-line/metrics-options.ts';
import type { LogFormat } from '../terminal/index.ts';
import { type BootstrapFlags, readBootstrap } from './serve-bootstrap.ts';
import { pinOf, readCertificate, type TlsFiles } from './serve-certificate.ts';
import { type LimitOptions, readLimits, type ServeLimits } from './serve-limits.ts';

/** The options of `linkspan serve` as given: flags, or `LINKSPAN_…` variables of the same names. */
export interface ServeOptions extends BootstrapFlags, LimitOptions, MetricsFlags {
  readonly listen: string;
  readonly dataDir: string;
  readonly publicUrl?: string;
  readonly tlsCertFile?: string;
  readonly tlsKeyFile?: string;
  readonly tlsPin: string;
  readonly linkTokenHours: string;
  readonly masterKeyFile?: string;
  readonly bootstrapAccessList?: string;
  readonly plainHttp: string;
  readonly trustedProxies?: string;
  readonly digestAlgorithms: string;
  readonly rateLimits: string;
  readonly checkDestinations: string;
  readonly allowedDestinations?: string;
  readonly destinationUsers: string;
  readonly hooksFile?: string;
  readonly watchSourceMinutes: string;
  readonly signInLink?: true;
  readonly logFormat?: LogFormat;
}

/** The options, validated and parsed. */
export interface ServeSettings extends ListenAddress, ServeLimits {
  readonly publicUrl?: string;
  readonly tls?: TlsFiles & { readonly cert: string; readonly key: string };
  /** The key of the certificate chain that link-tokens pin. */
  readonly tlsPin: 'none' | 'key' | 'ca';
  readonly linkTokenLifetimeMs?: number;
  readonly trustedProxies: readonly string[];
  readonly digestAlgorithms: readonly DigestAlgorithm[];
  readonly rateLimits: boolean;
  /** Whether the server connects to a destination when it is registered. */
  readonly connectToDestinations: boolean;
  /** Host names, addresses and blocks that this server may connect to as destinations. */
  readonly allowedDestinations: readonly string[];
  readonly destinationUsers: 'MIGRATION' | 'FIXED';
  readonly watchSourceMs: number;
  /** Undefined without a hooks file. */
  readonly hooks?: Hooks;
  readonly bootstrap: BootstrapOptions;
}

const MAX_WATCH_MINUTES = 7 * 24 * 60;
const MAX_HOURS = 10 * 365 * 24;

/** @throws UserError USAGE, PLAIN_HTTP_REFUSED, SIGN_IN_LINK_ELSEWHERE, and those of a hooks file */
export function readServeSettings(options: ServeOptions): ServeSettings {
  const address = parseListenAddress('--listen', options.listen);
  const tls = readTls(options);
  const plainHttp = readChoice('--plain-http', options.plainHttp, ['loopback', 'anywhere']);
  const isPlainAllowed = plainHttp === 'anywhere' || isLoopback(address.host);
  if (options.signInLink && !isLoopback(address.host)) throw new UserError('SIGN_IN_LINK_ELSEWHERE', [options.listen]);
  if (!tls && !isPlainAllowed) throw new UserError('PLAIN_HTTP_REFUSED', [options.listen]);
  return {
    ...address,
    ...readLimits(options),
    tls,
    tlsPin: readPin(options),
    linkTokenLifetimeMs: readHours('--link-token-hours', options.linkTokenHours),
    publicUrl: readPublicUrl(options.publicUrl),
    trustedProxies: readAddresses('--trusted-proxies', options.trustedProxies) ?? [],
    digestAlgorithms: readDigestAlgorithms(options.digestAlgorithms),
    rateLimits: readChoice('--rate-limits', options.rateLimits, ['atlas', 'off']) === 'atlas',
    connectToDestinations:
      readChoice('--check-destinations', options.checkDestinations, ['connect', 'form']) === 'connect',
    allowedDestinations: readDestinations(options.allowedDestinations),
    destinationUsers: readDestinationUsers(options.destinationUsers),
    watchSourceMs: readMinutes('--watch-source-minutes', options.watchSourceMinutes),
    ...(options.hooksFile === undefined ? {} : { hooks: readHooks(options.hooksFile) }),
    bootstrap: readBootstrap(options, readAddresses('--bootstrap-access-list', options.bootstrapAccessList)),
  };
}

function readTls({ tlsCertFile: certFile, tlsKeyFile: keyFile }: ServeOptions): ServeSettings['tls'] {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new UserError('USAGE', ['TLS needs both --tls-cert-file and --tls-key-file']);
  }
  return { certFile, keyFile, ...readCertificate({ certFile, keyFile }) };
}

/** Returns the algorithms, the strongest first: curl takes the first challenge that it supports. */
function readDigestAlgorithms(text: string): readonly DigestAlgorithm[] {
  const named = listOf(text);
  const algorithms = (['SHA-256', 'MD5'] as const).filter((algorithm) => named.includes(algorithm));
  if (algorithms.length === 0 || algorithms.length !== named.length) {
    throw new UserError('USAGE', [`--digest-algorithms ${text} is not MD5, SHA-256 or SHA-256,MD5`]);
  }
  return algorithms;
}

function readDestinationUsers(text: string): ServeSettings['destinationUsers'] {
  const choice = readChoice('--destination-users', text, ['migration', 'fixed']);
  return choice.toUpperCase() as Uppercase<typeof choice>;
}

function readChoice<Choice extends string>(flag: string, text: string, choices: readonly Choice[]): Choice {
  const chosen = choices.find((choice) => choice === text);
  if (chosen === undefined) throw new UserError('USAGE', [`${flag} is ${choices.join(' or ')}, not ${text}`]);
  return chosen;
}

function readPin({ tlsPin, tlsCertFile }: ServeOptions): ServeSettings['tlsPin'] {
  const pin = readChoice('--tls-pin', tlsPin, ['none', 'key', 'ca']);
  if (pin === 'none') return pin;
  if (tlsCertFile === undefined) throw new UserError('USAGE', ['--tls-pin needs --tls-cert-file']);
  pinOf({ certFile: tlsCertFile }, pin);
  return pin;
}

/** @returns milliseconds; undefined for `never` */
function readHours(flag: string, text: string): number | undefined {
  if (text === 'never') return undefined;
  const hours = Number(text);
  if (!(hours > 0 && hours <= MAX_HOURS))
    throw new UserError('USAGE', [`${flag} is a number of hours or never, not ${text}`]);
  return hours * 3_600_000;
}

/** @returns milliseconds */
function readMinutes(flag: string, text: string): number {
  const minutes = Number(text);
  if (text.trim() !== '' && minutes >= 0 && minutes <= MAX_WATCH_MINUTES) return minutes * 60_000;
  throw new UserError('USAGE', [`${flag} is a number of minutes from 0 to ${MAX_WATCH_MINUTES}, not ${text}`]);
}

function readAddresses(flag: string, text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const addresses = listOf(text);
  const wrong = addresses.find((address) => !isAddressOrBlock(address));
  if (wrong !== undefined || addresses.length === 0) {
    throw new UserError('USAGE', [`${flag} needs addresses or blocks such as 192.0.2.0/24, not ${wrong ?? 'nothing'}`]);
  }
  return addresses;
}

/** Without the option, this machine's own addresses are allowed as well, because a destination may run there. */
function readDestinations(text: string | undefined): readonly string[] {
  if (text === undefined) return ['0.0.0.0/0', '::/0'];
  const entries = listOf(text);
  const wrong = entries.find((entry) => !isAllowedDestination(entry));
  if (wrong === undefined && entries.length > 0) return entries;
  throw new UserError('USAGE', [
    `--allowed-destinations needs host names, addresses or blocks such as *.db.example,192.0.2.0/24, not ${wrong ?? 'nothing'}`,
  ]);
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/** Accepts only an origin without a path. Signatures cover the path that arrives, so a proxy must not change it. */
function readPublicUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.username;
  if (!isOrigin) throw new UserError('USAGE', [`--public-url ${text} is not of the form https://host[:port]`]);
  return url.origin;
}
