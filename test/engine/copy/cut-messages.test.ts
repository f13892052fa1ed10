import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const DOCUMENTS = 2_600;
/** The most cuts: a short message may be gone before it is seen. */
const CUTS = 3;

test('a batch that was cut off in the middle of a message is sent again as it was', async () => {
  await using pair = await startPair({ destination: { proxied: true } });
  const items = pair.source.client.db('shop').collection<{ _id: number; text: string; at: unknown }>('items');
  await items.insertMany(
    Array.from({ length: DOCUMENTS }, (_, _id) => ({ _id, text: `${_id} `.repeat(1_000), at: null })),
  );
  const [proxy] = pair.destination.proxies;
  proxy?.set({ bytesPerSecond: 8_000_000 });
  let cuts = 0;
  let ended = false;
  let waiting: Promise<void> | undefined;
  const cutNext = async () => {
    await eventually(() => ended || isSending(), { what: 'a message to be on its way' });
    waiting = undefined;
    if (ended) return;
    cuts += 1;
    proxy?.cut();
    proxy?.restore();
    if (cuts >= CUTS) proxy?.set({});
  };
  using _ = onFailpoint('engine.write.insert.items', () => {
    if (cuts < CUTS) waiting ??= cutNext();
  });
  await using running = RunningMigration.start(pair, {
    destination: { uri: pair.destination.uri, compression: 'off' },
  });
  await running.commit();
  ended = true;
  await waiting;
  assert.ok(cuts > 0);
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, DOCUMENTS);
});

/** The system has taken a part of a message and not yet the rest. */
function isSending(): boolean {
  return process.getActiveResourcesInfo().includes('SimpleWriteWrap');
}
