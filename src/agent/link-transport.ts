import type { X509Certificate } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import { ANSWER_HEADER, keyPinOf } from '../link/index.ts';
import { dialAsOwn, messageOf, redact, UserError } from '../platform/index.ts';
import { isLoopbackHost } from './loopback.ts';

/** Larger than any answer of a control plane, and small compared with the memory of a migration. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** The control plane's URL, and how to verify its identity. */
export interface ServerAddress {
  readonly serverUrl: string;
  /** Pin of the only trusted certificate ({@link keyPinOf}); without it the agent trusts the CAs of this machine. */
  readonly keyPin?: string;
  /** Where plain HTTP is allowed. Answers carry passwords of sources and destinations. */
  readonly plainHttp: 'loopback' | 'anywhere';
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The answer's signature ({@link ANSWER_HEADER}), if it has one. */
  readonly signature: string | undefined;
  /** The server's time (its Date header, to the second); undefined without the header. */
  readonly serverTimeMs: number | undefined;
}

type Agent = http.Agent | https.Agent;

/**
 * Sends requests to the control plane, over TLS except on loopback, through the proxies of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
 * Follows no redirect, because another server must not see a signed request.
 */
export class LinkTransport {
  readonly #url: URL;
  readonly #address: ServerAddress;
  readonly #environment: NodeJS.ProcessEnv;
  #agent: Agent | undefined;

  /** @throws UserError CONTROL_PLANE_NOT_SECURE */
  constructor(address: ServerAddress, environment = process.env) {
    this.#url = new URL(address.serverUrl);
    const isPlainAllowed = address.plainHttp === 'anywhere' || isLoopbackHost(this.#url.hostname);
    if (this.#url.protocol !== 'https:' && !isPlainAllowed) {
      throw new UserError('CONTROL_PLANE_NOT_SECURE', [address.serverUrl]);
    }
    this.#address = address;
    this.#environment = environment;
    const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy } = environment;
    for (const url of [address.serverUrl, HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy]) {
      if (url && URL.canParse(url)) dialAsOwn(hostAndPortOf(new URL(url)));
    }
  }

  get serverUrl(): string {
    return this.#address.serverUrl;
  }

  /** @throws UserError CONTROL_PLANE_UNREACHABLE, CONTROL_PLANE_UNTRUSTED, CONTROL_PLANE_KEY_UNKNOWN */
  async post(path: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<Answer> {
    try {
      this.#agent ??= await this.#openAgent(signal);
      return await this.#send('POST', path, { agent: this.#agent, signal, headers }, body, readAnswer);
    } catch (error) {
      if (error instanceof UserError) throw error;
      const distrusted = isDistrust(error);
      // The pinned key may have a renewed certificate. The next request fetches it again.
      if (distrusted) this.#agent = undefined;
      const code = distrusted ? 'CONTROL_PLANE_UNTRUSTED' : 'CONTROL_PLANE_UNREACHABLE';
      throw new UserError(code, [this.serverUrl, redact(reasonOf(error))], { cause: error });
    }
  }

  async #openAgent(signal: AbortSignal): Promise<Agent> {
    const proxyEnv = isLoopbackHost(this.#url.hostname) ? undefined : this.#environment;
    if (this.#url.protocol === 'http:') return new http.Agent({ keepAlive: true, proxyEnv });
    const { keyPin } = this.#address;
    if (keyPin === undefined) return new https.Agent({ keepAlive: true, proxyEnv });
    // This request only reads the certificates and sends nothing confidential, because the server is not verified yet.
    using looking = disposable(new https.Agent({ rejectUnauthorized: false, proxyEnv }));
    const pinned = await this.#send('HEAD', '/', { agent: looking.agent, signal }, '', async (response) =>
      findCertificate(response.socket as TLSSocket, keyPin),
    );
    if (!pinned) throw new UserError('CONTROL_PLANE_KEY_UNKNOWN', [this.serverUrl]);
    // Trusts only this certificate. TLS checks signatures, names and dates as usual.
    return new https.Agent({ keepAlive: true, proxyEnv, ca: pinned.toString(), allowPartialTrustChain: true });
  }

  async #send<Result>(
    method: string,
    path: string,
    options: https.RequestOptions,
    body: string,
    read: (response: http.IncomingMessage) => Promise<Result>,
  ): Promise<Result> {
    const { request } = this.#url.protocol === 'https:' ? https : http;
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    request(new URL(path, this.#url), { ...options, method }, resolve)
      .once('error', reject)
      .end(body);
    return await read(await promise);
  }
}

async function readAnswer(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
  }
  const dateMs = Date.parse(response.headers.date ?? '');
  return {
    status: response.statusCode ?? 0,
    text: Buffer.concat(chunks).toString('utf8'),
    signature: response.headers[ANSWER_HEADER]?.toString(),
    serverTimeMs: Number.isNaN(dateMs) ? undefined : dateMs,
  };
}

function hostAndPortOf({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}

/** Finds the certificate of a pinned key in a server's chain. Does not check that the chain is consistent. */
function findCertificate(socket: TLSSocket, keyPin: string): X509Certificate | undefined {
  const shown = socket.getPeerX509Certificate();
  for (let one = shown; one !== undefined; one = one.issuerCertificate) {
    if (keyPinOf(one) === keyPin) return one;
  }
  return undefined;
}

function disposable(agent: https.Agent): Disposable & { readonly agent: https.Agent } {
  return { agent, [Symbol.dispose]: () => agent.destroy() };
}

/** Whether the error code of Node.js or OpenSSL concerns a certificate. */
function isDistrust(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|^UNABLE_TO_|^ERR_TLS_CERT/.test(code);
}

/** The reason of an error. If several addresses were tried, the reason at the first one. */
function reasonOf(error: unknown): string {
  return messageOf(error instanceof AggregateError ? error.errors[0] : error);
}
