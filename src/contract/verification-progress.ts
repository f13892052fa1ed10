import { z } from 'zod';
import { mismatch } from './mismatch.ts';
import { count, date, figure, listOf } from './primitives.ts';

/**
 * How a migration is verified. `REPAIR` writes a document that differs again, and stops when it keeps differing; `REPORT`
 * leaves it, and refuses the cutover; `OFF` compares nothing.
 */
export const verificationMode = z.enum(['REPAIR', 'REPORT', 'OFF']);

/** The documents that the verification did not read, because a helper beside the destination found their ranges equal. */
const digests = z.object({
  host: z.string().meta({ description: 'Host name of the digest helper.' }),
  ranges: count.meta({
    description: 'Ranges that its digests showed to be equal, so that their documents stayed there.',
  }),
  documents: count.meta({ description: 'Documents of the source in these ranges.' }),
  unanswered: z.string().nullable().meta({
    description: 'Why it did not answer last, so that documents are read instead; null while it answers.',
  }),
  alwaysRead: listOf(z.string()).meta({
    description: 'The first capped collections and time series. Their documents are read all the same.',
  }),
});

/** How far source and destination are compared. */
export const verificationProgress = z.object({
  mode: verificationMode,
  phase: z.enum(['OFF', 'WAITING', 'COMPARING', 'FOLLOWING']).meta({
    description:
      '`OFF`; `WAITING`: no collection is copied and indexed; `COMPARING`: some collections are not compared as a whole; ' +
      '`FOLLOWING`: everything was compared once, and each changed document is compared again after its last change.',
  }),
  collectionsTotal: count,
  collectionsDone: count,
  documentsTotal: count.meta({ description: 'An estimate until all collections are compared.' }),
  documentsCompared: count.meta({ description: 'Documents of the source that the full comparison has read.' }),
  bytesTotal: count,
  bytesCompared: count,
  documentsRechecked: count.meta({ description: 'Comparisons of documents after their last change.' }),
  waiting: count.meta({ description: 'Documents that changed or differed, and must still be compared.' }),
  mismatches: z.object({
    found: count.meta({ description: 'Documents that differed although no change explains it.' }),
    open: count.meta({ description: 'How many of them still differ.' }),
    latest: listOf(mismatch),
  }),
  equalAt: date.nullable().meta({
    description:
      "The source's cluster time at which the destination is proven equal (docs/verify/clean-result.md). Null while something is not compared, or differs.",
  }),
  catalogDifferences: listOf(z.string()).nullable().meta({
    description: 'The first differences of collections, options, views and indexes; null before they were compared.',
  }),
  catalogDifferencesFound: figure.meta({ description: 'How many differences there are.' }),
  externalWrites: count.meta({ description: 'Documents that others wrote on the destination.' }),
  seesExternalWrites: z.boolean().meta({
    description:
      "False while the destination's oplog can't be read: writes of others then stay unseen once a collection is compared.",
  }),
  cappedCollections: count.meta({
    description:
      'Capped collections. Their ends and counts are compared in the write pause, because each side discards by itself.',
  }),
  cappedUncertain: listOf(z.string()).meta({
    description:
      'Capped collections that changed or differed when they were last compared before the commit, so that they may differ.',
  }),
  digests: digests.optional().meta({ description: 'How much is compared by digest; absent without a digest helper.' }),
  documentsPerSecond: figure,
  bytesPerSecond: figure,
  etaSeconds: figure,
});

export type VerificationMode = z.output<typeof verificationMode>;
export type VerificationProgress = z.output<typeof verificationProgress>;
