import { inspectCluster } from '../engine/index.ts';
import type { Deployment, InventoryProject } from '../link/index.ts';
import { type Logger, messageOf, redact, version } from '../platform/index.ts';
import type { AgentConfiguration, SourceDeployment } from './configuration.ts';
import { deploymentAddress } from './source-address.ts';

/**
 * What the agent can see. A deployment that cannot be reached just now is shown as it was seen last, so that an election does not make it
 * vanish from the API; one that was never seen is left out, and the log says why.
 */
export class Inventory {
  readonly #configuration: AgentConfiguration;
  readonly #logger: Logger;
  readonly #seen = new Map<SourceDeployment, Deployment>();

  constructor(configuration: AgentConfiguration, logger: Logger) {
    this.#configuration = configuration;
    this.#logger = logger;
  }

  /** Looks at every deployment, all at once; never rejects. */
  async take(): Promise<InventoryProject[]> {
    return Promise.all(
      this.#configuration.projects.map(async ({ id, name, deployments }) => {
        const shown = await Promise.all(deployments.map((deployment) => this.#look(deployment)));
        return { projectId: id, name, deployments: shown.filter((deployment) => deployment !== undefined) };
      }),
    );
  }

  async #look(deployment: SourceDeployment): Promise<Deployment | undefined> {
    const { name } = deployment;
    try {
      const seen = await inspectCluster(deploymentAddress(deployment));
      this.#seen.set(deployment, {
        name,
        clusterId: seen.clusterId || undefined,
        // Atlas's word for a cluster whose processes its automation runs.
        managed: false,
        agentVersion: version,
        sharded: seen.sharded,
        // A replica set is what a cluster of one shard is; how many a sharded one has is not looked up, as it cannot be moved.
        shardsSize: seen.replicaSet ? 1 : undefined,
        tlsEnabled: seen.tlsEnabled,
        mongoDBVersion: seen.mongoDBVersion,
        featureCompatibilityVersion: seen.featureCompatibilityVersion,
        dbSizeBytes: seen.dbSizeBytes,
        oplogSizeMB: seen.oplogSizeMB,
      });
    } catch (error) {
      this.#logger.warn({ deployment: name, reason: redact(messageOf(error)) }, 'deployment cannot be inspected');
    }
    return this.#seen.get(deployment);
  }
}
