import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { SELDOM_MS, SideWriter } from '../../engine/cutover/side-writer.ts';
import { reversibleUsers } from '../../engine/running-reversible.ts';
import { eventually } from '../../support/eventually.ts';
import { fallSilent } from '../../support/fall-silent.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { OperatedPush } from './operated-push.ts';
import { OperatedSync } from './operated-sync.ts';
import { PagePart } from './page-part.ts';
import { skip } from './page-reader.ts';

checkForLeaks({ sockets: false });

/** Each change of sides takes longer. */
const BETWEEN_WRITES_MS = 25;

test('control plane: the page returns the users of a reversible migration without losing a write', {
  skip,
}, async () => {
  await using push = await OperatedPush.ready({
    more: { linkspan: { reversible: true } },
    sourceUri: async (pair) => (await reversibleUsers(pair)).source.uri,
  });
  const { pair, setup, reader } = push;
  await using onSource = await SideWriter.start(pair.source, 'source', BETWEEN_WRITES_MS);
  await using onDestination = await SideWriter.start(pair.destination, 'destination', BETWEEN_WRITES_MS);
  await push.cutOver();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  using part = new PagePart('The migration is reversible', 'control plane');
  await part.follow(reader);
  await assertReturned(onSource, onDestination);
});

test('linkspan sync: the page returns the users of a reversible migration without losing a write', {
  skip,
}, async () => {
  await using sync = await OperatedSync.ready({
    flags: ['--reversible'],
    urisOf: async (pair) => {
      const { source, destination } = await reversibleUsers(pair);
      return { source: source.uri, destination: destination.uri };
    },
  });
  await using onSource = await SideWriter.start(sync.pair.source, 'source', BETWEEN_WRITES_MS);
  await using onDestination = await SideWriter.start(sync.pair.destination, 'destination', BETWEEN_WRITES_MS);
  await sync.cutOver();
  await eventually(async () => (await sync.progress()).state === 'COMMITTED', { what: 'the cutover' });
  using part = new PagePart('The migration is reversible', 'sync');
  await part.follow(sync.reader);
  await assertReturned(onSource, onDestination);
});

test('control plane: the page extends a window, and cleans up after one that has ended, with the source open', {
  skip,
}, async () => {
  await using push = await OperatedPush.ready();
  const { pair, setup, reader, server } = push;
  await using app = await SideWriter.start(pair.source, 'source', SELDOM_MS);
  using part = new PagePart('The cutover window has ended', 'control plane');
  const endsAt = async () => Date.parse((await setup.show()).linkspan.cutoverWindowEndsAt);
  const before = await endsAt();
  await part.follow(reader);
  assert.ok((await endsAt()) > before);
  server.kill('SIGTERM');
  await server.exit;
  endWindow(setup.dataDirectory);
  await setup.serve();
  await eventually(async () => (await setup.show()).status === 'EXPIRED', { what: 'the end of the window' });
  assert.equal(await app.canWrite(), true);
  push.agent.kill('SIGTERM');
  await push.agent.exit;
  await fallSilent(pair.destination, setup.variables.MIGRATION_ID);
  using cleanup = new PagePart('After a migration without a cutover', 'control plane');
  await cleanup.follow(reader);
  await using onDestination = await SideWriter.start(pair.destination, 'destination', SELDOM_MS);
  assert.equal(await onDestination.canWrite(), true);
  assert.equal(await pair.destination.client.db('shop').collection('orders').countDocuments(), 0);
});

/** Waits until the users are back on the source, which has every write that either side has acknowledged. */
async function assertReturned(onSource: SideWriter, onDestination: SideWriter): Promise<void> {
  const before = onSource.acknowledged;
  await eventually(() => onSource.acknowledged > before + 10, { what: 'users to write to the source again' });
  for (const writer of [onSource, onDestination]) await writer.stop();
  await SideWriter.assertTurns([onSource, onDestination], 2);
}

/** Ends the cutover windows of a server that is stopped: no one waits for 120 hours. */
function endWindow(dataDirectory: string): void {
  const database = new DatabaseSync(join(dataDirectory, 'linkspan.db'));
  database.prepare("UPDATE migrations SET state = json_set(state, '$.windowEndsAtMs', ?)").run(Date.now());
  database.close();
}
