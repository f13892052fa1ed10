import { inspectCluster } from '../engine/index.ts';
import type { Deployment, InventoryProject } from '../link/index.ts';
import { type Logger, messageOf, redact, version } from '../platform/index.ts';
import type { AgentConfiguration, SourceDeployment } from './configuration.ts';
import { deploymentAddress } from './source-address.ts';

/**
 * The inventory of source deployments. A deployment that is unreachable keeps its last known state, so that it does not disappear from the
 * API during an election. A deployment that was never reached is left out, and the log has the reason.
 */
export class Inventory {
  readonly #configuration: AgentConfiguration;
  readonly #logger: Logger;
  readonly #seen = new Map<SourceDeployment, Deployment>();

  constructor(configuration: AgentConfiguration, logger: Logger) {
    this.#configuration = configuration;
    this.#logger = logger;
  }

  /** Inspects all deployments in parallel. Never rejects. */
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
        // In Atlas, `managed` means that its automation runs the cluster's processes.
        managed: false,
        agentVersion: version,
        sharded: seen.sharded,
        // A replica set counts as one shard.
        shardsSize: seen.shards,
        tlsEnabled: seen.tlsEnabled,
        mongoDBVersion: seen.mongoDBVersion,
        featureCompatibilityVersion: seen.featureCompatibilityVersion,
        dbSizeBytes: seen.dbSizeBytes,
        oplogSizeMB: seen.oplogSizeMB,
      });
    } catch (error) {
      this.#logger.warn(
        { event: 'deployment.inspection_failed', deployment: name, reason: redact(messageOf(error)) },
        'deployment cannot be inspected',
      );
    }
    return this.#seen.get(deployment);
  }
}
