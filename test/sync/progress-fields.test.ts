import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { progressResponse } from '../../src/sync/progress-response.ts';

const count = z.int().min(0);
const lag = count.nullable();
const ping = z.strictObject({ pingLatencyMs: z.int().min(-1).optional() });
const side = z.strictObject({
  estimatedDocumentCount: count,
  hashedDocumentCount: count,
  scannedCollectionCount: count,
  totalCollectionCount: count,
  lagTimeSeconds: lag,
  phase: z.enum(['not started', 'initial hashing', 'stream hashing']),
});
const OPLOG = /^(\d+ minutes|\d+ hours|1 hour|more than 72 hours|less than 15 minutes|not checked yet)$/;

/** The fields of mongosync 1.22's `/progress` once a migration runs, with their types, and when they may be null or absent (its page `api/progress`). */
const documented = z.strictObject({
  state: z.enum(['RUNNING', 'PAUSED', 'COMMITTING', 'COMMITTED', 'REVERSING']),
  canCommit: z.boolean(),
  canWrite: z.boolean(),
  info: z.enum([
    'initializing collections and indexes',
    'collection copy',
    'change event application',
    'waiting for commit to complete',
    'commit completed',
  ]),
  ceaStage: z.enum(['collection copy drain', 'steady state']).optional(),
  lag: z.strictObject({ overallLagSeconds: lag, crudLagSeconds: lag, ddlLagSeconds: lag }).nullable(),
  lagTimeSeconds: lag,
  totalEventsApplied: count,
  collectionCopy: z.strictObject({ estimatedTotalBytes: z.int().min(1), estimatedCopiedBytes: count }),
  indexBuilding: z
    .strictObject({
      indexesBuilt: count,
      totalIndexesToBuild: count,
      collectionsFinished: count,
      collectionsTotal: count,
    })
    .optional(),
  directionMapping: z.strictObject({
    Source: z.string().regex(/^cluster[01]: /),
    Destination: z.string().regex(/^cluster[01]: /),
  }),
  source: ping,
  destination: ping,
  estimatedOplogTimeRemaining: z.string().regex(OPLOG).optional(),
  estimatedSecondsToCEACatchup: count.optional(),
  mongosyncID: z.string(),
  coordinatorID: z.string(),
  verification: z.strictObject({ source: side, destination: side }).nullable(),
  warnings: z.array(z.string()).min(1).optional(),
});

const GOLDEN = 'test/contract/golden';
const answers = readdirSync(GOLDEN).map((name) => {
  const { sync } = JSON.parse(readFileSync(`${GOLDEN}/${name}`, 'utf8')).faces ?? {};
  return { name, progress: sync };
});

test('every recorded /progress has the fields of mongosync, with its types, and beside them only `linkspan`', () => {
  assert.ok(answers.length > 20);
  for (const { name, progress } of answers) {
    const { linkspan, ...fields } = progress;
    assert.equal(typeof linkspan, 'object', name);
    const { error } = documented.safeParse(fields);
    assert.equal(error && z.prettifyError(error), undefined, name);
  }
});

test('fields that mongosync shows only at a time are absent at others', () => {
  for (const { name, progress } of answers) {
    const isApplying = progress.info === 'change event application';
    assert.equal('ceaStage' in progress, progress.linkspan.state === 'FOLLOWING', name);
    if (!isApplying) assert.equal('indexBuilding' in progress, false, name);
    const isRunning = progress.state === 'RUNNING' && !progress.canWrite;
    assert.equal('estimatedOplogTimeRemaining' in progress, isRunning, name);
    if (progress.state === 'PAUSED') assert.deepEqual([progress.lag, progress.lagTimeSeconds], [null, null], name);
    if (progress.state === 'COMMITTED') assert.equal(progress.lagTimeSeconds, 0, name);
    assert.equal(progress.verification === null, progress.linkspan.verification.mode === 'OFF', name);
  }
});

test('before the copy, its figures are those that mongosync has then', () => {
  const early = answers.filter(({ progress }) => progress.linkspan.state === 'CREATED');
  assert.ok(early.length > 0);
  for (const { name, progress } of early) {
    const { totalEventsApplied, collectionCopy } = progress;
    const figures = { estimatedTotalBytes: 1, estimatedCopiedBytes: 0 };
    assert.deepEqual({ totalEventsApplied, collectionCopy }, { totalEventsApplied: 0, collectionCopy: figures }, name);
  }
});

test('in IDLE all but `state` and `canCommit` are null', () => {
  const { state, canCommit, ...others } = progressResponse('IDLE', undefined, undefined);
  assert.deepEqual([state, canCommit], ['IDLE', false]);
  assert.deepEqual(new Set(Object.values(others)), new Set([null]));
});
