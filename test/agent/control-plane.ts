import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  type Actor,
  AgentSignals,
  Alarm,
  actorOf,
  bootstrap,
  type Control,
  createGroup,
  createLinkToken,
  findAccount,
  type OrderRequest,
  registerCluster,
  Sealer,
  SecurityEvents,
  ServerKeys,
} from '../../src/control/index.ts';
import { registerGateway } from '../../src/gateway/index.ts';
import { createServer, digestSecrets, FailedAttempts, isOnAccessList } from '../../src/http/index.ts';
import { type Clock, silentLogger, systemClock } from '../../src/platform/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { unreachedDestinations } from '../atlas-api/unreached-destinations.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Source project of the agents in these tests. */
export const SOURCE_PROJECT = '0123456789abcdef01234567';

/** A real control plane with its gateway for agents on loopback. Tests call functions instead of its API. */
export interface ControlPlane extends AsyncDisposable {
  readonly control: Control;
  readonly actor: Actor;
  readonly orgId: string;
  /** Project of the destinations. */
  readonly groupId: string;
  readonly url: string;
  /** Creates a folder for an agent's data. */
  readonly agentDirectory: string;
  newToken(accessListIps?: readonly string[], host?: string, hosts?: number): Promise<string>;
  /** Stops answering, like a server that restarts. */
  goDown(): Promise<void>;
  /** Answers again at the same address. */
  comeBack(): Promise<void>;
}

export interface ControlPlaneOptions {
  readonly clock?: Clock;
  /** The certificate that the server uses from its next start on. */
  readonly tls?: () => { readonly cert: string; readonly key: string };
  readonly keyPin?: string;
}

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(temporaryFolder('control-plane'));
  const store = resources.use(openSqliteStore(join(folder.path, 'data')));
  let url = '';
  let signals = new AgentSignals();
  const sealer = new Sealer([randomBytes(32)]);
  const control: Control = {
    store,
    sealer,
    clock: options.clock ?? systemClock,
    keyPin: () => options.keyPin,
    get signals() {
      return signals;
    },
    security: new SecurityEvents({ store, clock: options.clock ?? systemClock, logger: silentLogger }),
    serverKeys: await ServerKeys.open({ store, sealer, clock: options.clock ?? systemClock }),
    publicUrl: () => url,
    verifiersOf: digestSecrets,
    destinations: unreachedDestinations,
    destinationUsers: 'FIXED',
    userAlarm: new Alarm(),
    isOnAccessList,
  };
  const open = async (port: number) => {
    signals = new AgentSignals();
    const app = createServer({ logger: silentLogger, tls: options.tls?.() });
    await registerGateway(app, control, silentLogger, new FailedAttempts(60, control.clock));
    const address = await app.listen({ host: '127.0.0.1', port });
    // Fastify's types do not know which kind of server it has.
    url = options.tls ? address.replace('http:', 'https:') : address;
    return app;
  };
  let app = await open(0);
  const goDown = async () => {
    signals.close();
    const closed = app.close();
    // After an aborted request, fetch opens a connection for the next one, which the server does not count as idle.
    app.server.closeAllConnections();
    await closed;
  };
  resources.defer(async () => {
    await goDown();
    await control.security.flush();
  });
  const first = await bootstrap(control, {});
  const caller = first && (await findAccount(control, first.publicKey));
  if (!caller) throw new Error('the first account is missing');
  const actor = actorOf(caller.account, '127.0.0.1');
  const group = await createGroup(control, actor, actor.orgId, 'destination');
  const kept = resources.move();
  return {
    control,
    actor,
    orgId: actor.orgId,
    groupId: group.id,
    get url() {
      return url;
    },
    agentDirectory: join(folder.path, 'agent'),
    newToken: (accessListIps = [], host = undefined, hosts = 1) =>
      createLinkToken(control, actor, actor.orgId, { accessListIps, host: host ?? null, hosts }),
    goDown,
    comeBack: async () => {
      app = await open(Number(new URL(url).port));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Registers a destination. @returns the request that migrates a source of the agent `mover` to it */
export async function orderTo(plane: ControlPlane, uri: string, sourceName = 'orders'): Promise<OrderRequest> {
  const name = `D-${randomBytes(3).toString('hex')}`;
  await registerCluster(plane.control, plane.actor, plane.groupId, { name, connectionString: uri });
  return {
    migrationHost: 'mover',
    source: {
      groupId: SOURCE_PROJECT,
      clusterName: sourceName,
      username: null,
      password: null,
      ssl: false,
      caCertificatePath: null,
    },
    destination: { groupId: plane.groupId, clusterName: name },
    dropDestination: false,
  };
}
