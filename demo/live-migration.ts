import { AtlasClient } from '../test/support/atlas-client.ts';
import { eventually } from '../test/support/eventually.ts';
import type { Organization } from './control-plane.ts';
import { agentNames } from './start-agent.ts';

/** On a busy machine, the copy and its verification take minutes. */
const STEP_DEADLINE_MS = 600_000;
/** Each request costs the control plane milliseconds that the migration lacks. */
const POLL_MS = 100;
const CLUSTER_NAME = 'destination';

export interface MigrationStatus {
  readonly status: string;
  readonly readyForCutover: boolean;
  readonly lagTimeSeconds: number | null;
  readonly errorMessage?: string;
  readonly linkspan: {
    readonly progress: { readonly verification: Verification; readonly cutoverAttempts: readonly Attempt[] } | null;
    readonly failback?: { readonly ready: boolean };
  };
}

/** An attempt to cut over, and the time that each step took. */
export interface Attempt {
  readonly number: number;
  readonly result?: string;
  readonly steps: readonly {
    readonly name: string;
    readonly durationMs?: number;
    readonly reason: string;
    readonly counts?: object;
  }[];
}

/** How far Linkspan has compared both sides. */
export interface Verification {
  readonly phase: string;
  readonly documentsCompared: number;
  readonly collectionsDone: number;
  readonly documentsRechecked: number;
  readonly mismatches: { readonly found: number; readonly open: number };
  readonly catalogDifferences: readonly string[] | null;
}

interface AvailableProject {
  readonly projectId: string;
  readonly deployments: readonly { readonly name: string; readonly mongoDBVersion: string }[];
}

/** Runs one push migration step by step through the Atlas Administration API, as the destination's administrator does. */
export class LiveMigration {
  readonly #atlas: AtlasClient;
  readonly #organization: Organization;
  #groupId = '';
  #path = '';

  constructor(organization: Organization) {
    this.#organization = organization;
    this.#atlas = new AtlasClient(organization.url, organization.publicKey, organization.privateKey);
  }

  /** Creates a project and registers the destination in it. */
  async register(destinationUri: string): Promise<void> {
    const { body } = await this.#atlas.send('POST', '/groups', { name: 'Demonstration', orgId: this.#organization.id });
    this.#groupId = String(body.id);
    const cluster = { name: CLUSTER_NAME, connectionStrings: { standard: destinationUri } };
    await this.#atlas.send('POST', `/groups/${this.#groupId}/clusters`, cluster);
  }

  /** Waits until the agent offers the source. @returns the source's name and version */
  async available(): Promise<string> {
    const path = `/orgs/${this.#organization.id}/liveMigrations/availableProjects`;
    return await eventually(
      async () => {
        const { body } = await this.#atlas.send<AvailableProject[]>('GET', path);
        const project = body.find(({ projectId }) => projectId === agentNames.projectId);
        const deployment = project?.deployments[0];
        return deployment && `${deployment.name}, MongoDB ${deployment.mongoDBVersion}`;
      },
      { what: 'the source among the available projects', deadlineMs: STEP_DEADLINE_MS },
    );
  }

  /** Runs a validation. @throws Error with the validation's message if it fails */
  async validate(): Promise<void> {
    const path = `/groups/${this.#groupId}/liveMigrations/validate`;
    const { body } = await this.#atlas.send('POST', path, this.#request());
    const { status, errorMessage } = await eventually(
      async () => {
        const { body: seen } = await this.#atlas.send('GET', `${path}/${body._id}`);
        return seen.status === 'PENDING' ? undefined : seen;
      },
      { what: 'the validation', deadlineMs: STEP_DEADLINE_MS },
    );
    if (status !== 'SUCCESS') throw new Error(`the validation failed: ${errorMessage}`);
  }

  /** Starts the migration. @returns its id */
  async start(): Promise<string> {
    const { body } = await this.#atlas.send('POST', `/groups/${this.#groupId}/liveMigrations`, this.#request());
    this.#path = `/groups/${this.#groupId}/liveMigrations/${body._id}`;
    return String(body._id);
  }

  async cutOver(): Promise<void> {
    await this.#atlas.send('PUT', `${this.#path}/cutover`);
  }

  /** Makes the failback the direction of the next cutover. */
  async reverse(): Promise<void> {
    await this.#atlas.send('PUT', `${this.#path}/reverse`);
  }

  /** Waits until the migration matches a condition. @returns the migration. @throws Error with the migration's message if it fails */
  async until(what: string, condition: (status: MigrationStatus) => boolean): Promise<MigrationStatus> {
    const ended = await eventually(
      async () => {
        const status = (await this.#atlas.send<MigrationStatus>('GET', this.#path)).body;
        return condition(status) || status.status === 'FAILED' ? status : undefined;
      },
      { what: `the migration to be ${what}`, deadlineMs: STEP_DEADLINE_MS, pollMs: POLL_MS },
    );
    if (ended.status === 'FAILED') throw new Error(`the migration failed: ${ended.errorMessage}`);
    return ended;
  }

  #request(): object {
    const { projectId, deployment, host } = agentNames;
    return {
      source: { clusterName: deployment, groupId: projectId, managedAuthentication: true, ssl: false },
      destination: { clusterName: CLUSTER_NAME, groupId: this.#groupId, hostnameSchemaType: 'PUBLIC' },
      migrationHosts: [host],
      dropDestinationData: false,
      linkspan: { reversible: true },
    };
  }
}
