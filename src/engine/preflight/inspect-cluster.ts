import type { Document, MongoClient } from 'mongodb';
import { type Clock, systemClock } from '../../platform/index.ts';
import type { ClusterAddress } from '../mongodb/connect.ts';
import { connectCluster } from '../mongodb/connect.ts';
import { type Privileges, privilegesOf } from '../mongodb/privileges.ts';
import type { Side } from '../mongodb/side.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import { replicaSetIdOf } from '../records/confirm-clusters.ts';

/** A cluster's description of itself. Fields that the user may not see are undefined, or empty. */
export interface ClusterDescription {
  readonly mongoDBVersion: string;
  readonly featureCompatibilityVersion: string;
  readonly sharded: boolean;
  /** False for a stand-alone server. */
  readonly replicaSet: boolean;
  /** Distinguishes replica sets with the same name; empty for a stand-alone server. */
  readonly clusterId: string;
  /** host:port */
  readonly primary: string;
  readonly tlsEnabled: boolean;
  readonly dbSizeBytes: number;
  readonly oplogSizeMB: number | undefined;
  /** A lower bound of how far its clock is ahead of this host's: the round trip is subtracted. */
  readonly clockAheadMs: number;
  /** The user's privileges; undefined on a cluster without authentication. */
  readonly privileges: Privileges | undefined;
}

/**
 * Connects to a cluster and describes it.
 * @throws UserError when it can't be reached
 */
export async function inspectCluster(address: ClusterAddress, side: Side = 'source'): Promise<ClusterDescription> {
  const client = await connectCluster(address, side);
  try {
    return await describeCluster(client);
  } finally {
    await client.close();
  }
}

export async function describeCluster(client: MongoClient, clock: Clock = systemClock): Promise<ClusterDescription> {
  const admin = client.db('admin');
  const askedAtMs = clock.now();
  const hello = await admin.command({ hello: 1 });
  const answeredAtMs = clock.now();
  const sharded = hello.msg === 'isdbgrid';
  const replicaSet = typeof hello.setName === 'string';
  const nothing: Document = {};
  const [build, privileges, databases, parameter, clusterId, oplog] = await Promise.all([
    admin.command({ buildInfo: 1 }),
    privilegesOf(client),
    ifAllowed(admin.command({ listDatabases: 1 })),
    sharded ? nothing : ifAllowed(admin.command({ getParameter: 1, featureCompatibilityVersion: 1 })),
    replicaSet ? replicaSetIdOf(client) : '',
    // For display only.
    replicaSet
      ? client
          .db('local')
          .command({ collStats: 'oplog.rs' })
          .catch(() => nothing)
      : nothing,
  ]);
  return {
    mongoDBVersion: build.version,
    featureCompatibilityVersion: parameter.featureCompatibilityVersion?.version ?? '',
    sharded,
    replicaSet,
    clusterId,
    primary: hello.primary ?? client.options.hosts[0]?.toString() ?? '',
    tlsEnabled: client.options.tls === true,
    dbSizeBytes: Number(databases.totalSize ?? 0),
    oplogSizeMB: oplog.maxSize === undefined ? undefined : Math.round(Number(oplog.maxSize) / (1024 * 1024)),
    clockAheadMs: aheadOf(Number(hello.localTime), askedAtMs, answeredAtMs),
    privileges,
  };
}

/** Returns an empty reply when the user may not ask. */
async function ifAllowed(reply: Promise<Document>): Promise<Document> {
  try {
    return await reply;
  } catch (error) {
    if (isUnauthorized(error)) return {};
    throw error;
  }
}

function aheadOf(theirMs: number, askedAtMs: number, answeredAtMs: number): number {
  return theirMs > answeredAtMs ? theirMs - answeredAtMs : Math.min(0, theirMs - askedAtMs);
}
