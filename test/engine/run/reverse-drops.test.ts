import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

const skip = needsSource('6.0', 'it has no write block');

test('drops that were confirmed for one direction wait for a confirmation of their own on the failback', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const names = ['one', 'two', 'three', 'four'];
  const old = pair.source.client.db('shop');
  for (const name of names) await old.collection(name).insertMany(numbered(20));
  const options = { confirmDrops: true };
  await using running = new RunningReversible(await reversibleUsers(pair), undefined, options);
  running.steering.confirmDrops(Date.now());
  await running.cutOver();
  await pair.destination.client.db('shop').dropDatabase();
  const { failback } = running.migration;
  const isHeld = () =>
    failback?.progress().waiting.some(({ for: waitsFor }) => waitsFor === 'a confirmation of drops') ?? false;
  await eventually(isHeld, { what: 'the drops to be held' });
  const left = async () => (await old.listCollections().toArray()).length;
  assert.ok((await left()) > 0, 'the old source has lost all of its collections');
  running.steering.confirmDrops(Date.now());
  await eventually(async () => (await left()) === 0, { what: 'the drops to be followed' });
});
