import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preflight } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';

checkForLeaks();

test('a way back that is impossible is refused by name, each reason of its own', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair();
  const findings = await preflight({
    migrationId: newId(),
    source: { uri: pair.source.uri },
    destination: { uri: pair.destination.uri },
    dropDestination: false,
    reversible: true,
    filters: { include: [{ database: 'shop' }] },
    namespaceRemap: [{ from: { database: 'shop' }, to: { database: 'store' } }],
    logger: silentLogger,
  });
  assert.deepEqual(
    findings
      .filter(({ code }) => code === 'REVERSE_IMPOSSIBLE')
      .map(({ severity, message }) => `${severity} ${message}`),
    [
      'error The migration could not be reversed after the cutover: only a part of the source is migrated.',
      'error The migration could not be reversed after the cutover: namespaces have other names on the destination.',
    ],
  );
});
