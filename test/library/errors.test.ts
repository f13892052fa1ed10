import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODES, isUserError, Migration, newMigrationId, planMigration } from '../../src/library/index.ts';
import { engineErrors } from '../../src/platform/errors/engine.ts';
import { verificationErrors } from '../../src/platform/errors/verification.ts';

/** The errors of a comparison that the library reports. The others concern files of the command line. */
const OF_A_COMPARISON = [
  'NOT_COMPARABLE',
  'REPAIR_DURING_MIGRATION',
  'REPAIR_UNCHECKED',
  'VERIFICATION_HISTORY_LOST',
  'VERIFICATION_REFUSED',
];
const NOBODY = { uri: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200' };

test('the library lists the codes of all errors that the engine can report', () => {
  const expected = [...Object.keys(engineErrors), ...Object.keys(verificationErrors), ...OF_A_COMPARISON];
  assert.deepEqual([...ERROR_CODES], expected.sort());
});

test('a plan reports clusters that do not answer, and a migration fails with an error that has a remedy', async () => {
  const options = { migrationId: newMigrationId(), source: NOBODY, destination: NOBODY };
  const { canStart, findings } = await planMigration(options);
  assert.equal(canStart, false);
  assert.deepEqual(findings.map(({ code }) => code).sort(), ['DESTINATION_UNREACHABLE', 'SOURCE_UNREACHABLE']);

  const failure = await new Migration(options).run().catch((error: unknown) => error);
  assert.ok(isUserError(failure));
  assert.ok(['DESTINATION_UNREACHABLE', 'SOURCE_UNREACHABLE'].includes(failure.code), failure.code);
  assert.notEqual(failure.remedy, '');
});

test('mistakes of the program are no errors of its user', async () => {
  const options = { migrationId: 'orders', source: NOBODY, destination: NOBODY };
  assert.throws(() => new Migration(options), TypeError);
  await assert.rejects(planMigration(options), (error) => error instanceof TypeError && !isUserError(error));
});
