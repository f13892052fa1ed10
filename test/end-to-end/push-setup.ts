import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '../../src/contract/index.ts';
import { AtlasClient } from '../support/atlas-client.ts';
import { eventually } from '../support/eventually.ts';
import { type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { freePort } from '../support/mongod-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ORG_ID = 'ab'.repeat(12);
const SOURCE_PROJECT = '0123456789abcdef01234567';
const PUBLIC_KEY = 'testerkey';
const PRIVATE_KEY = 'a-private-key-of-the-test';

/** The host of the only agent, or of the one that leads first. */
const FIRST_HOST = 'mover';
/** Each request costs the control plane milliseconds that the migration lacks. */
const POLL_MS = 250;

export interface MigrationStatus {
  readonly status: string;
  readonly readyForCutover: boolean;
  readonly errorMessage?: string;
  readonly linkspan: {
    readonly rehearsalId?: number;
    readonly cutoverAbort?: { readonly isDone: boolean };
    readonly progress:
      | (Pick<Progress, 'state' | 'lagSeconds'> & { readonly cutoverAttempts: readonly Attempt[] })
      | null;
    readonly endedAt: string | null;
    readonly reversals?: number;
    readonly activeSide?: string;
    readonly failback?: {
      readonly state: string;
      readonly ready: boolean;
      readonly lagSeconds: number | null;
      readonly warnings: readonly string[];
    };
  };
}

/** The clusters of a migration, by their connection strings. */
interface Clusters {
  readonly source: { readonly uri: string };
  readonly destination: { readonly uri: string };
}

interface Attempt {
  readonly rehearsalId?: number;
  readonly result?: string;
}

/** A control plane and an agent as processes, between two clusters. A test can kill and restart each of them. */
export class PushSetup implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();
  readonly #folder: string;
  readonly #address: string;
  readonly #atlas: AtlasClient;
  #token = '';
  #groupId = '';
  #migrationId = '';

  private constructor(port: number) {
    this.#folder = this.#resources.use(temporaryFolder('push')).path;
    this.#address = `127.0.0.1:${port}`;
    this.#atlas = new AtlasClient(`http://${this.#address}`, PUBLIC_KEY, PRIVATE_KEY);
  }

  /** Writes the agent's configuration. Starts no process: `register` is the next step. */
  static async create(pair: Clusters, sourceUri = pair.source.uri): Promise<PushSetup> {
    const setup = new PushSetup(await freePort());
    setup.addHost(FIRST_HOST, sourceUri);
    return setup;
  }

  /** Writes the configuration of an agent on one more host. */
  addHost(host: string, sourceUri: string): void {
    const configuration = {
      host,
      dataDir: join(this.#folder, host),
      allowedDestinations: ['127.0.0.0/8'],
      projects: [{ id: SOURCE_PROJECT, name: 'Shop', deployments: [{ name: 'orders', uri: sourceUri }] }],
      copy: { maxMegabytesPerSecond: 8 },
    };
    writeFileSync(this.#configurationOf(host), JSON.stringify(configuration), { mode: 0o600 }); // JSON is YAML.
  }

  /**
   * Starts a digest helper with a link-token of its own. To be called once the destination is registered.
   * @param projectId  that its configuration names; the destination's by default
   */
  async addDigestHelper(host: string, uri: string, hook?: string, projectId = this.#groupId): Promise<LinkspanProcess> {
    const digests = [{ id: projectId, name: 'destination', deployments: [{ name: 'target', uri }] }];
    const configuration = { host, dataDir: join(this.#folder, host), digests };
    writeFileSync(this.#configurationOf(host), JSON.stringify(configuration), { mode: 0o600 });
    return this.agent(hook, host, await this.#newToken());
  }

  #configurationOf(host: string): string {
    return join(this.#folder, `${host}.yaml`);
  }

  async serve(hook?: string, flags: readonly string[] = []): Promise<LinkspanProcess> {
    const server = this.#resources.use(
      runLinkspan(['serve', '--listen', this.#address, '--data-dir', this.dataDirectory, ...flags], {
        env: {
          LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
          LINKSPAN_BOOTSTRAP_PUBLIC_KEY: PUBLIC_KEY,
          LINKSPAN_BOOTSTRAP_PRIVATE_KEY: PRIVATE_KEY,
          // A test that waits asks more often than a client.
          LINKSPAN_RATE_LIMITS: 'off',
        },
        hook,
      }),
    );
    await server.waitForLine(/^linkspan serve: ready at /);
    return server;
  }

  /** @param token  of another creator than `register` */
  agent(hook?: string, host = FIRST_HOST, token = this.#token): LinkspanProcess {
    const environment = { LINKSPAN_LINK_TOKEN: token };
    return this.#resources.use(
      runLinkspan(['agent', '--config', this.#configurationOf(host)], { env: environment, hook }),
    );
  }

  /** The data directory of the control plane. */
  get dataDirectory(): string {
    return join(this.#folder, 'data');
  }

  /** The variables with which the command line asks about the migration, once it has started. */
  get variables(): Record<string, string> {
    return {
      LINKSPAN_URL: `http://${this.#address}`,
      LINKSPAN_PUBLIC_KEY: PUBLIC_KEY,
      LINKSPAN_PRIVATE_KEY: PRIVATE_KEY,
      LINKSPAN_ORG_ID: ORG_ID,
      LINKSPAN_PROJECT_ID: this.#groupId,
      MIGRATION_ID: this.#migrationId,
    };
  }

  /** Registers the destination and creates a link-token for a number of hosts. */
  async register(pair: Clusters, hosts = 1): Promise<void> {
    const group = await this.#atlas.send('POST', '/groups', { name: 'destination', orgId: ORG_ID });
    this.#groupId = String(group.body.id);
    const cluster = { name: 'target', connectionStrings: { standard: pair.destination.uri } };
    await this.#atlas.send('POST', `/groups/${this.#groupId}/clusters`, cluster);
    this.#token = await this.#newToken(hosts);
  }

  async #newToken(hosts = 1): Promise<string> {
    const token = await this.#atlas.send('POST', `/orgs/${ORG_ID}/liveMigrations/linkTokens`, {
      accessListIps: [],
      ...(hosts > 1 && { linkspan: { hosts } }),
    });
    return String(token.body.linkToken);
  }

  /** Waits until the agent offers its cluster, and starts the migration. */
  async start(more: object = {}): Promise<void> {
    const create = async () => {
      try {
        return await this.tryToStart(more);
      } catch (error) {
        // The answer to an earlier request was lost with its server. The error names the migration that this request had started.
        return /of live migration ([0-9a-f]{24})/.exec(String(error))?.[1];
      }
    };
    this.#migrationId = await eventually(create, { what: 'the migration to be accepted', pollMs: POLL_MS });
  }

  /** Sends the request for a migration once. @returns the migration's id @throws the refusal */
  async tryToStart(more: object): Promise<string> {
    const request = {
      source: { clusterName: 'orders', groupId: SOURCE_PROJECT, managedAuthentication: true, ssl: false },
      destination: { clusterName: 'target', groupId: this.#groupId, hostnameSchemaType: 'PUBLIC' },
      migrationHosts: [FIRST_HOST],
      ...more,
    };
    return String((await this.#atlas.send('POST', `/groups/${this.#groupId}/liveMigrations`, request)).body._id);
  }

  async cutOver(): Promise<void> {
    await this.request('cutover');
  }

  /** Sends a request about the migration until the control plane accepts it. */
  async request(what: 'cutover' | 'reverse' | 'finish'): Promise<void> {
    const path = `/groups/${this.#groupId}/liveMigrations/${this.#migrationId}/${what}`;
    const send = () => this.#atlas.send('PUT', path);
    await eventually(send, { what: `the ${what} to be accepted`, pollMs: POLL_MS });
  }

  /** The source projects that the linked agents offer. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON, of which each test reads something else
  async availableProjects(): Promise<any> {
    return (await this.#atlas.send('GET', `/orgs/${ORG_ID}/liveMigrations/availableProjects`)).body;
  }

  /** Sends one request about the migration, such as `PUT abortCutover`. */
  async ask(method: 'GET' | 'PUT', path: string, body?: object): Promise<Record<string, unknown>> {
    const target = `/groups/${this.#groupId}/liveMigrations/${this.#migrationId}/${path}`;
    return (await this.#atlas.send<Record<string, unknown>>(method, target, body)).body;
  }

  /** Deletes the registration of the destination, which no active migration may use. */
  async deleteDestination(): Promise<void> {
    await this.#atlas.send('DELETE', `/groups/${this.#groupId}/clusters/target`);
  }

  /** Waits until the migration meets a condition. @throws Error with its message when it fails instead */
  async until(what: string, condition: (status: MigrationStatus) => boolean): Promise<void> {
    const path = `/groups/${this.#groupId}/liveMigrations/${this.#migrationId}`;
    let failure: string | undefined;
    await eventually(
      async () => {
        const status = (await this.#atlas.send<MigrationStatus>('GET', path)).body;
        if (status.status === 'FAILED') failure = status.errorMessage ?? 'without a message';
        return failure !== undefined || condition(status);
      },
      { what: `the migration to be ${what}`, pollMs: POLL_MS },
    );
    if (failure !== undefined) throw new Error(`the migration failed: ${failure}`);
  }

  /** The migration as the API shows it. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON, of which each test reads something else
  async show(): Promise<any> {
    return (await this.#atlas.send('GET', `/groups/${this.#groupId}/liveMigrations/${this.#migrationId}`)).body;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
