import { type MongoClient, MongoServerError } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { connectCluster, type Side } from '../cluster/connect.ts';
import type { ClusterAddress } from '../lifecycle/options.ts';

/** What a cluster says of itself. */
export interface ClusterDescription {
  readonly mongoDBVersion: string;
  readonly featureCompatibilityVersion: string;
  readonly sharded: boolean;
  /** False for a stand-alone server. */
  readonly replicaSet: boolean;
  /** Tells replica sets of the same name apart; empty where there is none. */
  readonly clusterId: string;
  /** host:port */
  readonly primary: string;
  readonly tlsEnabled: boolean;
  readonly dbSizeBytes: number;
  /** Undefined where the user may not see it. */
  readonly oplogSizeMB: number | undefined;
}

const UNAUTHORIZED = 13;

/** Connects to a cluster and describes it. @throws UserError when it can't be reached, or the user may not look */
export async function inspectCluster(address: ClusterAddress, side: Side = 'source'): Promise<ClusterDescription> {
  const client = await connectCluster(address, side);
  try {
    return await describeCluster(client, side);
  } finally {
    await client.close();
  }
}

/** @throws UserError MISSING_PRIVILEGE when the user may not even look */
export async function describeCluster(client: MongoClient, side: Side): Promise<ClusterDescription> {
  const admin = client.db('admin');
  const hello = await admin.command({ hello: 1 });
  const sharded = hello.msg === 'isdbgrid';
  const replicaSet = typeof hello.setName === 'string';
  try {
    const build = await admin.command({ buildInfo: 1 });
    const databases = await admin.command({ listDatabases: 1 });
    const parameter = sharded ? {} : await admin.command({ getParameter: 1, featureCompatibilityVersion: 1 });
    const set = replicaSet ? await admin.command({ replSetGetConfig: 1 }) : undefined;
    return {
      mongoDBVersion: build.version,
      featureCompatibilityVersion: parameter.featureCompatibilityVersion?.version ?? '',
      sharded,
      replicaSet,
      clusterId: set?.config.settings?.replicaSetId?.toHexString() ?? '',
      primary: hello.primary ?? client.options.hosts[0]?.toString() ?? '',
      tlsEnabled: client.options.tls === true,
      dbSizeBytes: Number(databases.totalSize),
      oplogSizeMB: replicaSet ? await oplogSizeMB(client) : undefined,
    };
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== UNAUTHORIZED) throw error;
    throw new UserError('MISSING_PRIVILEGE', [side, `look at the cluster: ${error.message}`], { cause: error });
  }
}

async function oplogSizeMB(client: MongoClient): Promise<number | undefined> {
  try {
    const stats = await client.db('local').command({ collStats: 'oplog.rs' });
    return Math.round(Number(stats.maxSize) / (1024 * 1024));
  } catch {
    return undefined; // Only shown, never relied on.
  }
}
