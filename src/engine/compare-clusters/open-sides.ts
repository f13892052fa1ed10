import { UserError } from '../../platform/index.ts';
import { type ClusterAddresses, connectCluster } from '../mongodb/connect.ts';
import { compareVersions, NEWEST_MODELLED, OLDEST_SHARDED, sourceFeatures } from '../mongodb/server-features.ts';
import type { Side } from '../mongodb/side.ts';
import { isTooNew, levelOf, ofVersion, shownVersion } from '../preflight/checks/versions.ts';
import { type ClusterDescription, describeCluster } from '../preflight/inspect-cluster.ts';
import { recognizeRawData } from '../records/tried-raw-data.ts';
import { ComparedSide } from './compared-side.ts';

/** The conditions that a comparison was told to accept. */
export interface Accepted {
  /** Whether to compare although a server is newer than those that Linkspan knows. */
  readonly acceptUntriedVersion?: boolean;
}

/** The oldest servers that can be compared. */
const OLDEST = '5.0';

/** Both clusters of a comparison. Disposing closes the connections. */
export interface OpenedSides extends AsyncDisposable {
  readonly source: ComparedSide;
  readonly destination: ComparedSide;
}

/**
 * Connects to both clusters.
 * @param mayBeOne  whether both may be the same replica set, because namespaces have other names on the destination
 * @throws UserError when one of them can't be reached or compared
 */
export async function openSides(
  addresses: ClusterAddresses,
  mayBeOne: boolean,
  accepted: Accepted,
): Promise<OpenedSides> {
  await using resources = new AsyncDisposableStack();
  const open = async (side: Side) => {
    const client = await connectCluster(addresses[side], side);
    resources.defer(() => client.close());
    const description = await describeCluster(client);
    refuseIncomparable(description, side, accepted);
    return { client, description };
  };
  const [from, to] = [await open('source'), await open('destination')];
  const rawData = await recognizeRawData([from, to].map(({ client, description }) => ofVersion(client, description)));
  const sideOf = (side: Side, { client, description }: typeof from) => {
    const level = levelOf(description);
    return new ComparedSide(side, client, sourceFeatures(level, level, rawData), description.clusterId);
  };
  const [source, destination] = [sideOf('source', from), sideOf('destination', to)];
  const isOne = source.clusterId !== '' && source.clusterId === destination.clusterId;
  if (isOne && !mayBeOne) throw new UserError('SAME_CLUSTER');
  const kept = resources.move();
  return { source, destination, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/**
 * @param side  only the destination may not be a sharded cluster
 * @throws UserError SHARDED_CLUSTER, STANDALONE_SERVER, VERSION_TOO_OLD, VERSION_TOO_NEW
 */
export function refuseIncomparable(cluster: ClusterDescription, side: Side | 'cluster', accepted: Accepted): void {
  if (cluster.sharded && side === 'destination') throw new UserError('SHARDED_CLUSTER', [side, cluster.primary]);
  if (!cluster.replicaSet && !cluster.sharded) throw new UserError('STANDALONE_SERVER', [side, cluster.primary]);
  const oldest = cluster.sharded ? OLDEST_SHARDED : OLDEST;
  if (compareVersions(levelOf(cluster), oldest) < 0) {
    throw new UserError('VERSION_TOO_OLD', [side, shownVersion(cluster), oldest]);
  }
  if (isTooNew(cluster, accepted))
    throw new UserError('VERSION_TOO_NEW', [side, cluster.mongoDBVersion, NEWEST_MODELLED]);
}
