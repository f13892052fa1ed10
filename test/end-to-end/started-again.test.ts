import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { PushSetup } from './push-setup.ts';

checkForLeaks({ sockets: false });

test('a new migration replaces a cancelled or failed one when it drops what that one copied', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(10));
  await using setup = await PushSetup.create(pair);
  await setup.serve();
  await setup.register(pair);
  setup.agent();
  const hasEnded = async () => {
    const { status, linkspan } = await setup.show();
    return status === 'FAILED' && linkspan.endedAt !== null;
  };
  await setup.start();
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await setup.ask('PUT', 'cancel', { dropCopiedData: false });
  await eventually(hasEnded, { what: 'the migration to be cancelled' });

  await setup.start();
  await eventually(hasEnded, { what: 'the migration without a drop to fail' });
  assert.match((await setup.show()).errorMessage, /destination is not empty/);

  await setup.start({ dropDestinationData: true });
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await expectIdentical(pair);
});
