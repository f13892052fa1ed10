import { UserError } from './errors/index.ts';

/** The address that a server listens on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * @param setting  name of the setting, for the error
 * @param text     `host:port`; an IPv6 address in brackets
 * @throws UserError USAGE
 */
export function parseListenAddress(setting: string, text: string): ListenAddress {
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) {
    throw new UserError('USAGE', [`${setting} ${text} is not of the form host:port, such as 127.0.0.1:8080`]);
  }
  return { host, port: Number(port) };
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
