import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkForLeaks } from '../support/leak-check.ts';
import { startLedgerWriter } from '../support/ledger-writer.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { PushSetup } from './push-setup.ts';
import { cutOver, untilReady } from './two-agents.ts';

checkForLeaks({ sockets: false });

// id: lost-server-followed
test('a migration is cut over by a control plane that was restored from a copy on another host', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('a').insertMany(numbered(100));
  await using writer = await startLedgerWriter({
    clients: [pair.source.client],
    namespaces: ['shop.a'],
    seed: 7,
    ratePerSecond: 20,
  });
  await using setup = await PushSetup.create(pair);
  const server = await setup.serve();
  using elsewhere = temporaryFolder('other-host');
  const file = join(elsewhere.path, 'linkspan.db');
  const args = ['--data-dir', setup.dataDirectory, '--file', file];
  await using backup = runLinkspan(['backup', ...args, '--follow', '--every', '1']);
  await backup.waitForLine(/and again after each change/);
  await setup.register(pair);
  const agent = setup.agent();
  await setup.start();
  await untilReady(setup);

  // SIGTERM makes a last copy; then the host of the server is lost, and its key is kept elsewhere.
  backup.kill('SIGTERM');
  assert.equal((await backup.exit).code, 0, backup.stderr);
  copyFileSync(join(setup.dataDirectory, 'master.key'), join(elsewhere.path, 'master.key'));
  server.kill('SIGKILL');
  await server.exit;
  rmSync(setup.dataDirectory, { recursive: true });
  mkdirSync(setup.dataDirectory, { mode: 0o700 });
  await using restore = runLinkspan(['restore', ...args]);
  assert.equal((await restore.exit).code, 0, restore.stderr);
  copyFileSync(join(elsewhere.path, 'master.key'), join(setup.dataDirectory, 'master.key'));
  await setup.serve();
  await untilReady(setup);
  await writer.stop();
  await cutOver(setup, pair);
  assert.equal(agent.stderr.match(/"event":"migration.started"/g)?.length, 1, 'the agent has worked all the time');
});
