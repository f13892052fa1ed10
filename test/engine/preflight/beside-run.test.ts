import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

test('a migration tells all warnings of preflight, advice too, and at its cutover who can write to a blocked source by then, and who stays behind', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair({
    source: { auth: true, cacheGigabytes: 1 },
    destination: { cacheGigabytes: 1 },
  });
  const text = 'x'.repeat(15.8 * 1024 * 1024);
  await pair.source.client.db('shop').collection('pictures').insertOne({ text });
  await using running = RunningMigration.start(pair);
  const told = (wanted: string) => running.progress.findings.find(({ code }) => code === wanted);
  const bypassing = () => told('USERS_BYPASS_BLOCK');
  await running.until('the advice', ({ findings }) => findings.some(({ code }) => code === 'DOCUMENTS_NEAR_LIMIT'));
  await running.untilReady();
  assert.match(bypassing()?.message ?? '', /at the cutover: admin\.root\.$/);
  assert.equal(bypassing()?.concerns, 'CUTOVER');
  assert.equal(told('USERS_STAY'), undefined);
  const { findings, warnings } = running.progress;
  assert.deepEqual(
    findings.map(({ message }) => message).filter((message) => !warnings.includes(message)),
    [],
  );
  await pair.source.createUser('late', 'secret', ['root']);
  const atCutover: (string | undefined)[] = [];
  using _ = onFailpoint('engine.cutover.source-blocked', async () => void atCutover.push(bypassing()?.message));
  await running.commit();
  assert.match(atCutover.join(), /admin\.root, admin\.late\.$/);
  assert.ok(bypassing(), 'the warning stays after the end');
  assert.match(told('USERS_STAY')?.message ?? '', /whom the migration does not bring over: admin\.late\.$/);
});
