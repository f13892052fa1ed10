import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { registerAtlasApi } from '../../src/atlas-api/index.ts';
import {
  AgentSignals,
  Alarm,
  type ApiKey,
  type BootstrapOptions,
  bootstrap,
  type Control,
  type DestinationPort,
  MOST_LINK_TOKENS,
  Sealer,
  SecurityEvents,
  ServerKeys,
  SignInLinks,
  type Store,
  withAuditMacs,
} from '../../src/control/index.ts';
import { DigestClient } from '../../src/digest/index.ts';
import { registerGateway } from '../../src/gateway/index.ts';
import {
  type ConnectionLimits,
  createServer,
  type DigestAlgorithm,
  digestSecrets,
  FailedAttempts,
  isOnAccessList,
  Refusals,
} from '../../src/http/index.ts';
import { type Clock, type Logger, silentLogger, systemClock } from '../../src/platform/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { answerCheckOf } from './check-answer.ts';
import { unreachedDestinations } from './unreached-destinations.ts';

/** The date that current Atlas clients send for every resource. */
export const ATLAS = 'application/vnd.atlas.2025-03-12+json';

/** Any body, for tests that read few of its attributes. */
type AnyBody = Record<string, unknown> & unknown[];

/** The body of a list. */
export interface Page<Item> {
  readonly results: readonly Item[];
  readonly totalCount: number;
  readonly links: readonly { readonly href: string; readonly rel: string }[];
}

export interface ApiResponse<Body = AnyBody> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; null where there is none. */
  readonly json: Body;
}

export interface ApiRequest {
  readonly headers?: Record<string, string>;
  /** A string is sent unchanged, anything else as JSON. */
  readonly body?: unknown;
  /** Public and private key. By default, those of the first API key. */
  readonly user?: readonly [string, string];
}

/** A complete control plane with a real store and a real socket. */
export interface ControlPlane extends AsyncDisposable {
  readonly url: string;
  readonly app: FastifyInstance;
  readonly control: Control;
  /** The data directory of its store. */
  readonly directory: string;
  readonly masterKey: Buffer;
  readonly store: Store;
  readonly orgId: string;
  readonly publicKey: string;
  readonly privateKey: string;
  readonly signInLinks: SignInLinks;
  /**
   * Sends a request with digest and the Accept header of Atlas v2, unless `headers` replaces them. Checks the answer against the OpenAPI document.
   * @param path  after the host
   */
  readonly api: <Body = AnyBody>(method: string, path: string, request?: ApiRequest) => Promise<ApiResponse<Body>>;
}

export interface ControlPlaneOptions {
  readonly clock?: Clock;
  readonly trustedProxies?: readonly string[];
  readonly digestAlgorithms?: readonly DigestAlgorithm[];
  readonly rateLimits?: boolean;
  readonly connectionLimits?: ConnectionLimits;
  /** The value of `--failed-attempts-per-minute`; 60 by default. */
  readonly failedAttemptsPerMinute?: number;
  /** Logs the server and its security events; silent by default. */
  readonly logger?: Logger;
  readonly bootstrapping?: BootstrapOptions;
  readonly linkTokenLifetimeMs?: number;
  /** How long a blocked source is watched after the commit; by default it isn't. */
  readonly watchSourceMs?: number;
  /** The control plane's own work on destinations; by default it does none. */
  readonly destinations?: DestinationPort;
  /** Registers more on the server, such as the console. */
  readonly register?: (app: FastifyInstance) => void;
}

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const {
    clock = systemClock,
    trustedProxies,
    digestAlgorithms,
    rateLimits,
    bootstrapping = {},
    linkTokenLifetimeMs,
    watchSourceMs,
    destinations,
    connectionLimits,
    failedAttemptsPerMinute = 60,
    logger = silentLogger,
  } = options;
  const folder = temporaryFolder('control-plane');
  let url = '';
  const masterKey = randomBytes(32);
  const sealer = new Sealer([masterKey]);
  const store = withAuditMacs(openSqliteStore(folder.path), sealer);
  const control: Control = {
    store,
    sealer,
    clock,
    signals: new AgentSignals(),
    security: new SecurityEvents({ store, clock, logger }),
    serverKeys: await ServerKeys.open({ store, sealer, clock }),
    publicUrl: () => url,
    linkTokenLifetimeMs,
    mostLinkTokens: MOST_LINK_TOKENS,
    watchSourceMs,
    verifiersOf: digestSecrets,
    destinations: destinations ?? unreachedDestinations,
    destinationUsers: destinations ? 'MIGRATION' : 'FIXED',
    userAlarm: new Alarm(),
    isOnAccessList,
  };
  const onConnectionRefused = (address: string, reason: string) =>
    control.security.note({ type: 'CONNECTION_REFUSED', address, reason });
  const refusals = rateLimits === false ? undefined : new Refusals(clock);
  const app = createServer({ logger, trustedProxies, refusals, connectionLimits, onConnectionRefused });
  const failedAttempts = new FailedAttempts(failedAttemptsPerMinute, clock, (address) =>
    control.security.note({ type: 'ATTEMPT_REFUSED_UNCHECKED', address, reason: 'TOO_MANY_FAILED_ATTEMPTS' }),
  );
  const signInLinks = new SignInLinks(control);
  await registerAtlasApi(app, control, { logger, failedAttempts, digestAlgorithms, rateLimits, signInLinks });
  await registerGateway(app, control, logger, failedAttempts);
  options.register?.(app);
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  const first = await bootstrap(control, bootstrapping);
  assert.ok(first);
  const answers = await answerCheckOf(url);
  const own = [first.publicKey, first.privateKey] as const;
  return {
    url,
    app,
    control,
    directory: folder.path,
    masterKey,
    store,
    ...first,
    signInLinks,
    api: async <Body>(method: string, path: string, request: ApiRequest = {}) => {
      const answer = await digestRequest<Body>(url, method, path, { user: own, ...request });
      answers.check(method, path, { ...answer, contentType: answer.headers.get('content-type') });
      return answer;
    },
    [Symbol.asyncDispose]: async () => {
      control.signals.close();
      await app.close();
      await control.security.flush();
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** Creates a second organization with its own key, for tests of isolation. */
export async function addOrganization(
  plane: ControlPlane,
  orgId: string,
  roles: ApiKey['roles'],
  accessList: readonly string[] = [],
  groupRoles: ApiKey['groupRoles'] = [],
): Promise<readonly [string, string]> {
  const publicKey = randomBytes(6).toString('hex');
  const id = randomBytes(12).toString('hex');
  const verifiers = JSON.stringify(digestSecrets(publicKey, 'private'));
  await plane.store.write(async (transaction) => {
    if (!(await transaction.get('organizations', orgId))) {
      await transaction.insert('organizations', {
        id: orgId,
        name: 'other',
        accessListRequired: false,
        creatorId: plane.orgId,
        createdAtMs: 1,
        deletedAtMs: null,
      });
    }
    await transaction.insert('accounts', {
      kind: 'API_KEY',
      id,
      orgId,
      name: publicKey,
      description: '',
      roles,
      groupRoles,
      privateKeyEnd: null,
      title: null,
      secrets: null,
      verifiers: plane.control.sealer.seal(verifiers, { kind: 'accounts', id, field: 'verifiers' }),
      accessList: accessList.map((address) => ({ address, createdAtMs: 1 })),
      createdAtMs: 1,
    });
  });
  return [publicKey, 'private'];
}

/** Sends one request under a new nonce. A request with an Authorization header is sent unchanged. */
async function digestRequest<Body>(
  url: string,
  method: string,
  path: string,
  request: ApiRequest,
): Promise<ApiResponse<Body>> {
  const { body, user: [publicKey, privateKey] = ['', ''] } = request;
  const init = {
    method,
    headers: {
      accept: ATLAS,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
  if (request.headers && 'authorization' in request.headers) return read(await fetch(url + path, init));
  return read(await new DigestClient(url, publicKey, privateKey).fetch(path, init));
}

async function read<Body>(answer: Response): Promise<ApiResponse<Body>> {
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '') && text !== '';
  return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : null };
}
