import { z } from 'zod';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const fingerprints = z.record(z.string(), hash);
const count = z.int().min(0);

const clusterTime = z
  .strictObject({ t: z.int().min(0), i: z.int().min(0) })
  .describe("A cluster's own time: seconds since the epoch, and a number within the second");

const definition = {
  namespace: z.string().describe('database.name, as users see it'),
  options: fingerprints.describe('Fingerprint of each option'),
};

const view = z.strictObject({ type: z.literal('view'), ...definition });

const collection = z.strictObject({
  type: z.enum(['collection', 'timeseries']).describe('A time series is digested in its stored form, its buckets'),
  ...definition,
  indexes: fingerprints.describe('Fingerprint of each complete index but the one on _id'),
  count: count.describe('Documents read'),
  bytes: count.describe('Sum of their lengths in BSON'),
  digest: hash.describe('Sum modulo 2^256 of SHA-256 over each document'),
  orderDigest: hash.optional().describe('Chain of SHA-256 in natural order; of capped collections'),
  atClusterTime: z.boolean().describe('Whether all documents were read as of the clusterTime of the report'),
  written: z
    .boolean()
    .nullable()
    .describe('Whether there was a write after clusterTime and before endTime; null when no one could see'),
});

const account = z.strictObject({
  kind: z.enum(['user', 'role']),
  id: z.string().describe('database.name'),
  fingerprint: hash,
});

/** The claims of a digest, from the strongest to the weakest. */
const claim = z.enum(['AT_CLUSTER_TIME', 'WITHOUT_WRITES', 'CHANGED_MEANWHILE', 'UNKNOWN', 'UNFINISHED']);

/** The report of `linkspan digest`: one side, without any of its documents. */
export const digestReport = z.strictObject({
  type: z.literal('linkspan digest'),
  formatVersion: z.literal(1),
  linkspanVersion: z.string(),
  claim: claim.describe('What the digests stand for; docs/verify/clean-result.md explains each'),
  explanation: z.string().describe('The claim in words'),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  cluster: z.strictObject({
    replicaSetId: z
      .string()
      .describe(
        'Distinguishes clusters with the same name; of a sharded cluster its clusterId; empty when the user may not see it',
      ),
    sharded: z.literal(true).optional().describe('Set for a sharded cluster only'),
    primary: z.string().describe('host:port of the primary when the digest began; of a router of a sharded cluster'),
    mongoDBVersion: z.string(),
    featureCompatibilityVersion: z.string(),
  }),
  selection: z
    .strictObject({
      includeNamespaces: z.array(z.record(z.string(), z.unknown())),
      excludeNamespaces: z.array(z.record(z.string(), z.unknown())),
      documentFilters: z.array(z.record(z.string(), z.unknown())),
      usersAndRoles: z.boolean(),
    })
    .describe('What was digested; empty lists mean everything'),
  clusterTime: clusterTime.describe('The time that documents were read at'),
  endTime: clusterTime.nullable().describe('Writes were watched until this time; null when no one could see them'),
  oplogRead: z
    .boolean()
    .describe('Whether the oplog was searched for writes that no change stream shows, up to endTime'),
  catalogChanged: z
    .array(z.string())
    .describe('Namespaces whose definition changed while the digest was made; also collections of users and roles'),
  collections: z.array(z.union([collection, view])).describe('In the order of their namespaces'),
  accounts: z.array(account).nullable().describe('Users and roles; null when they were not asked for'),
  totals: z.strictObject({
    collections: count,
    views: count,
    count,
    bytes: count,
    digest: hash.describe('Sum of the digests of all collections'),
  }),
});

export type DigestReport = z.output<typeof digestReport>;
export type DigestClaim = z.output<typeof claim>;
export type DigestedEntry = DigestReport['collections'][number];
export type DigestedCollection = Exclude<DigestedEntry, { type: 'view' }>;
