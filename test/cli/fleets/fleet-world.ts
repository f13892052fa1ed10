import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '../../atlas-api/control-plane.ts';
import { progress } from '../../atlas-api/migration-world.ts';
import { type AgentClient, linkAgent, SOURCE, SOURCE_PROJECT } from '../../gateway/agent-client.ts';
import { type LinkspanProcess, type RunOptions, runLinkspan } from '../../support/linkspan-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

export const CANARY = 'canary-of-a-destination';
const CLUSTERS = ['a', 'b', 'c', 'd'];

/** A migration, as the API lists it. */
export interface Listed {
  readonly _id: string;
  readonly status: string;
  readonly linkspan: {
    readonly labels: Readonly<Record<string, string>>;
    readonly note: string | null;
    readonly loadWindows: readonly object[];
  };
}

/** A control plane with a project and two agents that each see the clusters a, b, c and d. */
export class FleetWorld implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly project: string;
  readonly #agents: Readonly<Record<string, AgentClient>>;
  readonly #folder = temporaryFolder('fleet');

  private constructor(plane: ControlPlane, project: string, agents: Readonly<Record<string, AgentClient>>) {
    this.plane = plane;
    this.project = project;
    this.#agents = agents;
  }

  static async start(): Promise<FleetWorld> {
    const plane = await startControlPlane({ rateLimits: false });
    const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'p', orgId: plane.orgId } });
    const deployments = CLUSTERS.map((name) => ({ ...SOURCE, name }));
    const inventory = [{ projectId: SOURCE_PROJECT, name: 'shop', deployments }];
    const agents = { 'host-1': await linkAgent(plane, 'host-1'), 'host-2': await linkAgent(plane, 'host-2') };
    for (const agent of Object.values(agents)) await agent.report({ inventory });
    return new FleetWorld(plane, String(group.json.id), agents);
  }

  /** An entry that migrates a cluster into the destination of its name. */
  entry(name: string, more: object = {}): object {
    return { name, agent: 'host-1', source: { project: SOURCE_PROJECT, cluster: name }, destination: name, ...more };
  }

  /** Writes a fleet file of these entries, and returns its path. */
  write(migrations: readonly object[], more: object = {}): string {
    const file = join(this.#folder.path, 'fleet.yaml');
    const destinations = Object.fromEntries(
      CLUSTERS.map((name) => [
        name,
        { connectionString: `mongodb://mover:\${PASSWORD}@d-${name}:27017/?replicaSet=rs` },
      ]),
    );
    writeFileSync(file, JSON.stringify({ fleet: 'spring', destinations, migrations, ...more }));
    return file;
  }

  begin(args: readonly string[], options: RunOptions = {}): LinkspanProcess {
    const env = {
      LINKSPAN_URL: this.plane.url,
      LINKSPAN_ORG_ID: this.plane.orgId,
      LINKSPAN_PROJECT_ID: this.project,
      LINKSPAN_PUBLIC_KEY: this.plane.publicKey,
      LINKSPAN_PRIVATE_KEY: this.plane.privateKey,
      LINKSPAN_CONFIG_FILE: '/nowhere',
      PASSWORD: CANARY,
      ...options.env,
    };
    return runLinkspan(args, { ...options, env });
  }

  async run(args: readonly string[], options: RunOptions = {}) {
    await using linkspan = this.begin(args, options);
    const { code } = await linkspan.exit;
    return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
  }

  /** The migrations of the project, the oldest first. */
  async migrations(): Promise<Listed[]> {
    const path = `/api/atlas/v2/groups/${this.project}/liveMigrations`;
    const { results } = (await this.plane.api<{ readonly results: readonly Listed[] }>('GET', path)).json;
    return results.toReversed();
  }

  /** The names of the entries that have a migration, the oldest first. */
  async begun(): Promise<(string | undefined)[]> {
    return (await this.migrations()).map(({ linkspan }) => linkspan.labels['linkspan/entry']);
  }

  /** Has an agent report a state of the newest migration of an entry. */
  async report(name: string, changes: Parameters<typeof progress>[1], host = 'host-1'): Promise<void> {
    const all = (await this.migrations()).filter(({ linkspan }) => linkspan.labels['linkspan/entry'] === name);
    const id = all.at(-1)?._id ?? '';
    await this.#agents[host]?.report({ migrations: [{ id, progress: progress(id, changes) }] });
  }

  async ready(name: string, host?: string): Promise<void> {
    await this.report(name, { state: 'FOLLOWING', readyForCutover: true }, host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.plane[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}
