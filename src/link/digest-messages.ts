import { z } from 'zod';
import { bounded } from './bounded.ts';

// This file defines the messages of digest helpers (docs/adr/0042-digest-helpers.md). Each request waits for its answer, which is sealed.
const id = z.string().regex(/^[0-9a-f]{24}$/);
const answerKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const uint32 = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
/** 2,000 bytes, so that a question with two keys fits into a short message. */
const key = z.base64().max(2_700);

/** The most clusters that a helper offers. */
export const MOST_OFFERS = 50;

/** Which documents of a destination to digest. */
export const digestQuestion = z.strictObject({
  /** The `replicaSetId` of the destination. */
  clusterId: id,
  database: z.string().min(1).max(255),
  collection: z.string().min(1).max(255),
  uuid: z.string().regex(/^[0-9a-f]{32}$/),
  isClustered: z.boolean(),
  /** Exclusive; absent without a lower bound. */
  after: key.optional(),
  high: key,
  documents: z.int().min(1).max(100_000),
  readAfter: z.strictObject({ t: uint32, i: uint32 }),
});

export const digestAnswer = z.strictObject({
  documents: z.int().min(0).max(200_000),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});

/** `POST /link/v1/digest-ask`: a question about the destination of a migration that the agent leads. Answers with a {@link digestAnswer}. */
export const digestAskRequest = z.strictObject({ answerKey, migrationId: id, question: digestQuestion });

/** A destination that a helper offers digests of, by the names of the API. */
const offer = z.strictObject({ projectId: id, clusterName: z.string().min(1).max(255) });

const result = z.union([digestAnswer, z.strictObject({ error: z.string() })]);

/** `POST /link/v1/digest-work`: answers the last question, and waits for the next one. */
export const digestWorkRequest = z.preprocess(
  (sent) => bounded(sent),
  z.strictObject({
    answerKey,
    waitSeconds: z.int().min(0).max(60),
    offers: z.array(offer).min(1).max(MOST_OFFERS),
    answer: z.strictObject({ id: z.string().regex(/^[0-9a-f]{32}$/), result }).optional(),
  }),
);

/** `work` is null when no question has come. */
export const digestWork = z.strictObject({
  work: z.strictObject({ id: z.string(), offer, question: digestQuestion }).nullable(),
});

export type DigestQuestion = z.infer<typeof digestQuestion>;
export type DigestAnswer = z.infer<typeof digestAnswer>;
export type DigestAskRequest = z.infer<typeof digestAskRequest>;
export type DigestOffer = z.infer<typeof offer>;
export type DigestResult = z.infer<typeof result>;
export type DigestWorkRequest = z.infer<typeof digestWorkRequest>;
export type DigestWork = z.infer<typeof digestWork>;
