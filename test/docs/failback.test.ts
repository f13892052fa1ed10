import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { Reader } from './reader.ts';

checkForLeaks({ sockets: false });

const page = readFileSync(new URL('../../docs/cut-over/failback.md', import.meta.url), 'utf8');

test("the page's commands move the users there, back, and close the failback", {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  using folder = temporaryFolder('failback');
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(50));
  const { source, destination } = await reversibleUsers(pair);
  const args = ['sync', '--reversible', '--cluster0', source.uri, '--cluster1', destination.uri, '--port', '0'];
  await using sync = runLinkspan(args);
  const [, SYNC = ''] = await sync.waitForLine(/API is ready at (http:\/\/\S+)$/);
  await using reader = new Reader(folder.path, { SYNC });
  const commands = await reader.follow(page);
  assert.equal(commands.length, 9);
  await expectIdentical(pair);
});
