import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preflight } from '../../src/engine/index.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';
import { startPair } from '../support/replica-set.ts';

const oldSource = process.env.LINKSPAN_SOURCE_MONGOD?.includes('mongod-5.0');

test('a source older than 6.0 is refused by its version, before anything is written', {
  skip: oldSource ? false : 'needs the servers of npm run test:matrix',
}, async () => {
  await using pair = await startPair();
  const findings = await preflight({
    migrationId: newId(),
    source: { uri: pair.source.uri },
    destination: { uri: pair.destination.uri },
    dropDestination: false,
    logger: silentLogger,
  });
  assert.ok(findings.some(({ code, message }) => code === 'VERSION_TOO_OLD' && message.includes('5.0.4')));
  const { databases } = await pair.destination.client.db('admin').admin().listDatabases({ nameOnly: true });
  assert.deepEqual(databases.map(({ name }) => name).sort(), ['admin', 'config', 'local']);
});
