import assert from 'node:assert/strict';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { emptyPair } from '../support/seeds.ts';

/** Starts two replica sets, the source with 2,000 documents and an index. */
export async function pairWithData(): Promise<ReplicaSetPair> {
  const pair = await startPair();
  await fill(pair);
  return pair;
}

/** Empties both sides and fills the source as {@link pairWithData} does. */
export async function refill(pair: ReplicaSetPair): Promise<void> {
  await emptyPair(pair);
  await fill(pair);
}

async function fill({ source }: ReplicaSetPair): Promise<void> {
  const documents = Array.from({ length: 2_000 }, (_, index) => ({ _id: index, text: `document ${index}` }));
  const collection = source.client.db('shop').collection<{ _id: number; text: string }>('orders');
  await collection.insertMany(documents);
  await collection.createIndex({ text: 1 });
}

/** Returns the flags of `linkspan sync` that name both clusters. */
export function clusters({ source, destination }: ReplicaSetPair): string[] {
  return ['--cluster0', source.uri, '--cluster1', destination.uri];
}

interface Result {
  readonly type: string;
  readonly outcome: string;
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string } | null;
  readonly migrationId: string | null;
  readonly copy: { readonly documentsCopied: number };
  readonly totalSeconds: number | null;
  readonly phases: readonly { readonly name: string; readonly seconds: number }[] | null;
  readonly verification: {
    readonly mode: string;
    readonly phase: string;
    readonly documentsCompared: number;
    readonly catalogDifferences: readonly string[] | null;
    readonly catalogDifferencesFound: number | null;
    readonly equalAt: string | null;
    readonly mismatches: { readonly open: number };
  } | null;
  readonly left: { readonly collections: number } | null;
  readonly findings: readonly { readonly severity: string; readonly code: string; readonly remedy: string }[];
}

/** Parses the lines of `--output json`. Asserts that the last is the only result and all others are progress. */
export function readJson(stdout: string): { progress: { stage: string }[]; result: Result } {
  const objects = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const result = objects.pop();
  assert.equal(result.type, 'result');
  assert.ok(objects.every(({ type }) => type === 'progress'));
  return { progress: objects, result };
}
