import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newWatch, SourceWatch, type SourceWatchState } from '../../../src/engine/index.ts';
import { silentLogger, systemClock } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

/** The position of the source's stream at this moment. */
async function positionOf({ client }: ReplicaSet): Promise<string> {
  const stream = client.watch();
  await stream.tryNext();
  const token = stream.resumeToken as { readonly _data: string };
  await stream.close();
  return token._data;
}

/** Watches until the watch ends by itself. @returns the states that it recorded */
async function watch(source: ReplicaSet, state: SourceWatchState): Promise<SourceWatchState[]> {
  const saved: SourceWatchState[] = [];
  const save = async (next: SourceWatchState) => void saved.push(next);
  const options = { migrationId: 'm', source: { uri: source.uri }, state, save };
  await new SourceWatch({ ...options, logger: silentLogger, clock: systemClock }).run(new AbortController().signal);
  return saved;
}

test('a watch that resumes after its time still sees everything that was written, however much', { skip }, async () => {
  await using source = await startReplicaSet();
  await source.client.db('shop').collection('items').insertOne({ n: 0 });
  const token = await positionOf(source);
  await source.client.db('shop').collection('items').insertMany(numbered(25_000, {}));
  await source.client.db('shop').collection('orders').insertOne({ n: 0 });
  const last = (await watch(source, newWatch(token, Date.now() - 1_000))).at(-1);
  // The insert into orders creates the collection, which is a change as well.
  assert.deepEqual([last?.ended, last?.changes, last?.namespaces], ['over', 25_002, ['shop.items', 'shop.orders']]);
});
