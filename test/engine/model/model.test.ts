import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { checkModel } from './check-model.ts';
import { foundSchedules } from './found-schedules.ts';
import { runSchedule } from './run-schedule.ts';

const LIMIT_MS = 7_500;
const skip = needsSource('6.0', 'its stream does not show changes of the catalog');

let pair: ReplicaSetPair;
before(async () => {
  pair = await startPair();
});
after(() => pair[Symbol.asyncDispose]());

// id: several-writers-identical
test('whatever several writers do while a migration runs, both clusters end identical', async () => {
  const { runs, accepted, documentsCompared } = await checkModel(pair, LIMIT_MS);
  assert.ok(runs > 0);
  assert.ok(accepted > runs * 5, 'the source accepted a good part of the operations');
  assert.ok(documentsCompared > 0);
});

for (const [what, schedule] of Object.entries(foundSchedules)) {
  test(`both clusters end identical when ${what}`, { skip }, async () => {
    const { documentsCompared } = await runSchedule(pair, schedule);
    assert.ok(documentsCompared > 0);
  });
}
