import {
  type BearerToken,
  isLoopback,
  type ListenAddress,
  parseListenAddress,
  readBearerToken,
  UserError,
} from '../platform/index.ts';

/** Where metrics are served. */
export interface MetricsSettings extends ListenAddress {
  /** The token that a scrape must send; undefined on loopback without one. */
  readonly token?: BearerToken;
}

/**
 * Returns where metrics are served; undefined when they are off.
 * @throws UserError USAGE, METRICS_TOKEN_MISSING or METRICS_TOKEN_UNUSABLE
 */
export function readMetricsSettings({
  listen,
  tokenFile,
}: {
  readonly listen?: string | undefined;
  readonly tokenFile?: string | undefined;
}): MetricsSettings | undefined {
  if (listen === undefined) {
    if (tokenFile === undefined) return undefined;
    throw new UserError('USAGE', ['A token file for metrics needs an address: --metrics-listen or metrics.listen']);
  }
  const address = parseListenAddress('The address of the metrics', listen);
  if (tokenFile !== undefined) return { ...address, token: readBearerToken(tokenFile, 'METRICS_TOKEN_UNUSABLE') };
  if (isLoopback(address.host)) return address;
  throw new UserError('METRICS_TOKEN_MISSING', [listen]);
}
