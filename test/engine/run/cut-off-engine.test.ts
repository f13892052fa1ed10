import { test } from 'node:test';
import { newId, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

/** The part of a migration's record that says whether its engine reaches the source. */
interface CutOffRecord {
  readonly _id: string;
  readonly cutOff?: boolean;
}

test('an engine that cannot reach the source says so in the record as long as it lasts', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair({ source: { proxied: true } });
  const { source, destination } = pair;
  await source.client.db('shop').collection('a').insertMany(numbered(10));
  const records = destination.client.db('linkspan_internal').collection<CutOffRecord>('migrations');
  const migrationId = newId();
  const cutOff = async () => (await records.findOne({ _id: migrationId }))?.cutOff;
  let laterMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + laterMs };
  await using first = RunningMigration.start(pair, { migrationId, clock });
  await first.untilReady();
  await eventually(async () => (await cutOff()) === false, { what: 'a record' });
  for (const proxy of source.proxies) proxy.cut();
  await first.until('it to wait', ({ waiting }) => waiting.some((wait) => wait.for === 'the source'));
  laterMs = 20_000;
  await eventually(cutOff, { what: 'a word in the record' });

  for (const proxy of source.proxies) proxy.restore();
  await eventually(async () => !(await cutOff()), { what: 'the opposite in the record' });
  await first.commit();
  await expectIdentical(pair);
});
