import type { Cluster, LiveMigration, MigrationRequest, SourceProject } from '../../atlas-api/index.ts';
import { UserError } from '../../platform/index.ts';
import type { ApiClient } from '../administration/client.ts';
import type { Entry, Fleet } from './fleet-file.ts';
import { fleetFilter, labelsOfEntry } from './fleet-labels.ts';

const MOST_ON_PAGE = 500;

interface Page<Item> {
  readonly results: readonly Item[];
  readonly totalCount: number;
}

/** The requests about a fleet, in one project. */
export class FleetServer {
  readonly #api: ApiClient;
  readonly #projectId: string;
  #failure: UserError | undefined;

  constructor(api: ApiClient, projectId: string) {
    this.#api = api;
    this.#projectId = projectId;
  }

  /** The error of the last request; undefined after an answer. */
  get failure(): UserError | undefined {
    return this.#failure;
  }

  /** Lists the source projects that the agents of the project's organization report. */
  async sourceProjects(): Promise<SourceProject[]> {
    const { orgId } = (await this.#send('GET', '')) as { readonly orgId: string };
    return (await this.#ask('GET', `/orgs/${orgId}/liveMigrations/availableProjects`)) as SourceProject[];
  }

  /** Lists the registered destinations. */
  async destinations(): Promise<Cluster[]> {
    return await this.#all<Cluster>('/clusters', {});
  }

  /** Lists the migrations of a fleet, the newest first. */
  async migrations(fleet: string): Promise<LiveMigration[]> {
    return await this.#all<LiveMigration>('/liveMigrations', { label: fleetFilter(fleet) });
  }

  async register(name: string, connectionString: string): Promise<void> {
    await this.#send('POST', '/clusters', { name, connectionStrings: { standard: connectionString } });
  }

  /**
   * Creates the migration of an entry.
   * @param attempt  1, or the number of a further migration. A repeated request with the same number creates none
   */
  async create(fleet: Fleet, entry: Entry, attempt: number): Promise<LiveMigration> {
    const key = { 'idempotency-key': `${fleet.fleet}/${entry.name}/${attempt}` };
    return (await this.#send('POST', '/liveMigrations', this.#order(fleet, entry), key)) as LiveMigration;
  }

  async setLabels({ _id }: LiveMigration, fleet: Fleet, entry: Entry): Promise<void> {
    const body = { labels: labelsOfEntry(fleet.fleet, entry), note: entry.note };
    await this.#send('PUT', `/liveMigrations/${_id}/labels`, body);
  }

  async setLoadWindows({ _id }: LiveMigration, windows: Entry['loadWindows']): Promise<void> {
    await this.#send('PUT', `/liveMigrations/${_id}/loadWindows`, { windows });
  }

  #order(fleet: Fleet, entry: Entry): MigrationRequest {
    const { project, cluster, username, password, ssl, caCertificatePath } = entry.source;
    const { reversible, usersAndRoles, note } = entry;
    return {
      source: {
        clusterName: cluster,
        groupId: project,
        managedAuthentication: username === undefined,
        username,
        password,
        ssl: ssl ?? caCertificatePath !== undefined,
        caCertificatePath,
      },
      destination: { clusterName: entry.destination, groupId: this.#projectId, hostnameSchemaType: 'PUBLIC' },
      migrationHosts: [entry.agent],
      dropDestinationData: entry.drop,
      linkspan: { reversible, usersAndRoles, labels: labelsOfEntry(fleet.fleet, entry), note },
    };
  }

  async #all<Item>(path: string, query: Readonly<Record<string, string>>): Promise<Item[]> {
    const found: Item[] = [];
    for (let page = 1; ; page += 1) {
      const window = { ...query, itemsPerPage: String(MOST_ON_PAGE), pageNum: String(page) };
      const { results, totalCount } = (await this.#send('GET', `${path}?${new URLSearchParams(window)}`)) as Page<Item>;
      found.push(...results);
      if (results.length === 0 || found.length >= totalCount) return found;
    }
  }

  async #send(method: string, path: string, body?: object, headers?: Readonly<Record<string, string>>) {
    return await this.#ask(method, `/groups/${encodeURIComponent(this.#projectId)}${path}`, body, headers);
  }

  async #ask(...request: Parameters<ApiClient['ask']>): Promise<unknown> {
    try {
      const answer = await this.#api.ask(...request);
      this.#failure = undefined;
      return answer;
    } catch (error) {
      if (error instanceof UserError) this.#failure = error;
      throw error;
    }
  }
}
