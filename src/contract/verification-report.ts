import { z } from 'zod';
import { differenceClass } from './mismatch.ts';
import { count } from './primitives.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
/** A cluster's own time. */
export const clusterTime = z
  .strictObject({ t: z.int().min(0), i: z.int().min(0) })
  .describe("A cluster's own time: seconds since the epoch, and a number within the second");

/** One cluster of a comparison. */
export const verifiedCluster = z.strictObject({
  replicaSetId: z
    .string()
    .describe('Distinguishes clusters; of a sharded cluster its clusterId; empty when the user may not see it'),
  sharded: z.literal(true).optional().describe('Set for a sharded cluster only'),
  watched: z.boolean().describe('Whether a change stream showed every change while the comparison ran'),
  oplogRead: z
    .boolean()
    .describe(
      'Whether all that its oplog got meanwhile was read: it shows writes without events, and a restore from an older backup',
    ),
  clusterTime: clusterTime.nullable().describe('The time of this side at which the result holds'),
});

/** A collection as one side has it. */
export const verifiedSide = z.strictObject({
  count: count.describe('Documents read'),
  bytes: count.describe('Sum of their lengths in BSON'),
  digest: hash.nullable().describe('Sum modulo 2^256 of SHA-256 over each document; null when some changed meanwhile'),
  orderDigest: hash.optional().describe('Chain of SHA-256 in natural order; of capped collections'),
  changed: count.nullable().describe('Changes seen while it was compared; null when no one could see them'),
  options: hash.describe('Fingerprint of the options'),
  indexes: z.record(z.string(), hash).describe('Fingerprint of each complete index but the one on _id'),
});

/** A collection that was compared. */
export const verifiedCollection = z.strictObject({
  namespace: z.string().describe('database.name on the source'),
  destinationNamespace: z.string(),
  type: z.enum(['collection', 'timeseries']),
  source: verifiedSide,
  destination: verifiedSide,
  rechecked: count.describe('Keys that changed meanwhile and were equal after their last change'),
  differences: count,
  undecided: count.describe('Keys that kept changing'),
});

/** A collection, view, index or account that differs, or that only one side has. */
export const catalogDifference = z.strictObject({
  namespace: z.string(),
  destinationNamespace: z.string(),
  class: z.enum([
    'COLLECTION_MISSING',
    'COLLECTION_EXTRA',
    'OPTIONS',
    'VIEW',
    'INDEX_MISSING',
    'INDEX_EXTRA',
    'INDEX',
    'USER',
    'ROLE',
  ]),
  name: z.string().optional(),
  path: z.string().optional(),
  source: z.string().optional(),
  destination: z.string().optional(),
});

/** A key whose documents differ, or a document of a capped collection that is out of order. */
export const documentDifference = z.strictObject({
  namespace: z.string(),
  destinationNamespace: z.string(),
  _id: z.unknown().describe('In canonical Extended JSON; its beginning, as a string, when it is too long'),
  class: differenceClass,
  path: z.string().nullable().describe('The first field that differs'),
  firstSeenMs: z.int().describe('Milliseconds since the epoch'),
  sourceTime: clusterTime.nullable(),
  destinationTime: clusterTime.nullable(),
  external: z.literal(true).optional().describe('The key changed on the destination and not on the source'),
  repaired: z.literal(true).optional().describe('Written to the destination, and equal afterwards'),
});

/** The outcomes of a comparison, from the best to the worst. */
const result = z.enum(['EQUAL', 'UNDECIDED', 'DIFFERENT', 'UNFINISHED']);

/** The report of `linkspan verify`. */
export const verificationReport = z.strictObject({
  type: z.literal('linkspan verification'),
  formatVersion: z.literal(1),
  linkspanVersion: z.string(),
  result,
  explanation: z.string().describe('The result in words, and what it proves'),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  seconds: z.number().min(0).describe('Time that the comparison ran, without stops'),
  source: verifiedCluster,
  destination: verifiedCluster,
  selection: z
    .record(z.string(), z.unknown())
    .describe('What was compared, in the fields of the configuration file; empty for everything'),
  collections: z.array(verifiedCollection).describe('In the order of their namespaces'),
  views: count.describe('Views whose definitions were compared'),
  totals: z.strictObject({
    collections: count,
    documents: count.describe('Documents of the source that were compared'),
    bytes: count,
    rechecked: count,
    undecided: count,
  }),
  catalogDifferences: z.array(catalogDifference),
  differences: z.strictObject({
    total: count.describe('Documents that differ, without repaired ones'),
    repaired: count,
    unlisted: count.describe('Differences that were counted and not listed'),
    examples: z
      .array(documentDifference)
      .describe('The first ones; the file beside the report has all that are listed'),
  }),
});

export type ClusterTime = z.output<typeof clusterTime>;
export type DocumentDifference = z.output<typeof documentDifference>;
export type VerificationReport = z.output<typeof verificationReport>;
export type CatalogDifference = z.output<typeof catalogDifference>;
export type VerifiedCluster = z.output<typeof verifiedCluster>;
export type VerifiedCollection = z.output<typeof verifiedCollection>;
export type VerifiedSide = z.output<typeof verifiedSide>;
