import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { emptyPair, numbered } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';
import { type MigrationStatus, PushSetup } from './push-setup.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');
const DOCUMENTS = 20;

const isFollowed = ({ status, linkspan }: MigrationStatus) =>
  status === 'COMPLETE' && linkspan.failback?.ready === true;

describe('a migration whose failback is open and whose record is removed', { skip }, () => {
  let pair: ReplicaSetPair;
  let sourceUri: string;
  before(async () => {
    pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    sourceUri = (await reversibleUsers(pair)).source.uri;
  });
  after(() => pair[Symbol.asyncDispose]());

  /** Cuts over, and waits until the old source follows. */
  const cutOver = async (setup: PushSetup, dropDestinationData: boolean): Promise<LinkspanProcess> => {
    await emptyPair(pair);
    await pair.source.client.db('shop').collection('orders').insertMany(numbered(DOCUMENTS));
    await setup.serve();
    await setup.register(pair);
    const agent = setup.agent();
    await setup.start({ dropDestinationData, linkspan: { reversible: true } });
    await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
    await setup.cutOver();
    await setup.until('followed back', isFollowed);
    return agent;
  };
  const forgetRecord = () => pair.destination.client.db('linkspan_internal').dropDatabase();
  const expectNothingDropped = async () => {
    for (const { client } of [pair.source, pair.destination])
      assert.equal(await client.db('shop').collection('orders').countDocuments(), DOCUMENTS);
    const { repl } = await pair.source.client.db('admin').command({ serverStatus: 1, repl: 1 });
    assert.equal(repl.userWriteBlockMode, 2, 'the old source stays blocked');
  };

  // id: cleanup-leaves-failback
  test('cleanup and the report leave the failback alone; a finish without the record ends it with a word', async () => {
    await using setup = await PushSetup.create(pair, sourceUri);
    await cutOver(setup, true);
    const { cleanup, blocked } = await setup.ask('GET', 'cutoverReport');
    assert.deepEqual([cleanup, (blocked as { undo?: string }[]).map(({ undo }) => undo)], [[], [undefined]]);
    const { MIGRATION_ID = '' } = setup.variables;
    const refused = runLinkspan(['cleanup', '--destination', pair.destination.uri, '--migration', MIGRATION_ID]);
    assert.deepEqual([(await refused.exit).code, /linkspan migration finish/.test(refused.stderr)], [2, true]);

    await forgetRecord();
    await setup.request('finish');
    await setup.until('ended', ({ linkspan }) => linkspan.endedAt !== null);
    const { status, errorMessage, linkspan } = await setup.show();
    assert.deepEqual([status, linkspan.failback.state], ['COMPLETE', 'LOST']);
    assert.match(errorMessage, /its record is gone from the side with the users/);
    await setup.deleteDestination();
    await expectNothingDropped();
  });

  // id: restart-names-the-loss
  test('a restart of the agent names the loss, and a cancel ends the migration', async () => {
    await using setup = await PushSetup.create(pair, sourceUri);
    const agent = await cutOver(setup, false);
    agent.kill('SIGKILL');
    await agent.exit;
    await forgetRecord();
    setup.agent();
    await setup.until('failed', ({ linkspan }) => linkspan.failback?.state === 'FAILED');
    assert.equal((await setup.show()).linkspan.failback.error.code, 'CUTOVER_RECORD_LOST');
    await setup.ask('PUT', 'cancel', { dropCopiedData: true });
    const { status, linkspan } = await setup.show();
    assert.deepEqual([status, linkspan.failback.state, linkspan.endedAt === null], ['COMPLETE', 'LOST', false]);
    await setup.deleteDestination();
    await expectNothingDropped();
  });
});
