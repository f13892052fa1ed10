import type { Document, MongoClient } from 'mongodb';
import { type Clock, systemClock } from '../../platform/index.ts';
import type { ClusterAddress } from '../mongodb/connect.ts';
import { connectCluster } from '../mongodb/connect.ts';
import { levelOfSet } from '../mongodb/feature-level.ts';
import { isUserDatabase } from '../mongodb/namespaces.ts';
import { type Privileges, privilegesOf } from '../mongodb/privileges.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { Side } from '../mongodb/side.ts';
import { unlessUnauthorized } from '../mongodb/unauthorized.ts';
import { clusterIdOf } from '../records/confirm-clusters.ts';

/** A cluster's description of itself. Fields that the user may not see are undefined, or empty. */
export interface ClusterDescription {
  readonly mongoDBVersion: string;
  readonly featureCompatibilityVersion: string;
  readonly sharded: boolean;
  /** The number of shards; 1 for a replica set, and undefined where it can't be seen. */
  readonly shards: number | undefined;
  /** False for a stand-alone server. */
  readonly replicaSet: boolean;
  /** Distinguishes clusters with the same name; empty for a stand-alone server. */
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
  const sharded = isSharded(client);
  const nothing: Document = {};
  const clusterId = clusterIdOf(client);
  clusterId.catch(() => undefined); // A stand-alone server has none.
  const [{ hello, askedAtMs, answeredAtMs }, build, privileges, databases, level, shards, oplog] = await Promise.all([
    timedHello(client, clock),
    admin.command({ buildInfo: 1 }),
    privilegesOf(client),
    ifAllowed(admin.command({ listDatabases: 1 })),
    sharded ? ifAllowed(levelOfShards(client)) : ifAllowed(levelOfSet(client)),
    sharded ? shardsOf(client) : 1,
    // For display only.
    sharded
      ? nothing
      : client
          .db('local')
          .command({ collStats: 'oplog.rs' })
          .catch(() => nothing),
  ]);
  const replicaSet = typeof hello.setName === 'string';
  return {
    mongoDBVersion: build.version,
    featureCompatibilityVersion: level.version ?? '',
    sharded,
    shards: sharded || replicaSet ? shards : undefined,
    replicaSet,
    clusterId: sharded || replicaSet ? await clusterId : '',
    primary: hello.primary ?? client.options.hosts[0]?.toString() ?? '',
    tlsEnabled: client.options.tls === true,
    dbSizeBytes: sizeOfUsers(databases.databases ?? []),
    oplogSizeMB: oplog.maxSize === undefined ? undefined : Math.round(Number(oplog.maxSize) / (1024 * 1024)),
    clockAheadMs: aheadOf(Number(hello.localTime), askedAtMs, answeredAtMs),
    privileges,
  };
}

/** Returns what the databases of users take on disk: an idle server's `local` can be larger than all of them. */
function sizeOfUsers(databases: readonly { readonly name: string; readonly sizeOnDisk?: number }[]): number {
  const ofUsers = databases.filter(({ name }) => isUserDatabase(name));
  return ofUsers.reduce((sum, { sizeOnDisk }) => sum + Number(sizeOnDisk ?? 0), 0);
}

async function timedHello(client: MongoClient, clock: Clock) {
  const askedAtMs = clock.now();
  const hello = await client.db('admin').command({ hello: 1 });
  return { hello, askedAtMs, answeredAtMs: clock.now() };
}

async function shardsOf(client: MongoClient): Promise<number | undefined> {
  const { cursor } = await ifAllowed(client.db('config').command({ find: 'shards', projection: { _id: 1 } }));
  return cursor?.firstBatch.length;
}

/** Routers don't know the parameter. The config server has the version of all shards. */
async function levelOfShards(client: MongoClient): Promise<Document> {
  const filter = { _id: 'featureCompatibilityVersion' };
  const { cursor } = await client.db('admin').command({ find: 'system.version', filter, limit: 1 });
  return cursor.firstBatch[0] ?? {};
}

/** Returns an empty reply when the user may not ask. */
async function ifAllowed(reply: Promise<Document>): Promise<Document> {
  return (await unlessUnauthorized(() => reply)) ?? {};
}

function aheadOf(theirMs: number, askedAtMs: number, answeredAtMs: number): number {
  return theirMs > answeredAtMs ? theirMs - answeredAtMs : Math.min(0, theirMs - askedAtMs);
}
