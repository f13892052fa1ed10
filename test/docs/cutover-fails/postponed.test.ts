import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SELDOM_MS, SideWriter } from '../../engine/cutover/side-writer.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { OpenTransaction, slowMajority } from './obstacles.ts';
import { OperatedPush } from './operated-push.ts';
import { OperatedSync } from './operated-sync.ts';
import { PagePart } from './page-part.ts';
import { skip } from './page-reader.ts';

checkForLeaks({ sockets: false });

test('control plane: the page makes a migration ready, ends attempts that are postponed, and one that blocks users', {
  skip,
}, async () => {
  await using push = await OperatedPush.ready();
  const { pair, setup, reader } = push;
  {
    using part = new PagePart('Look first', 'control plane');
    await part.follow(reader, 1);
    assert.match(reader.answer, /^Ready for cutover: yes$/m);
    assert.equal(await part.follow(reader), 'write block: 1\nwrite block: 2\n');
  }
  {
    using part = new PagePart('It never becomes ready', 'control plane');
    await reader.follow('```sh\nlinkspan migration pause "$MIGRATION_ID"\n```');
    await part.follow(reader, 1);
    for (const name of ['carts', 'visits']) await pair.source.client.db('shop').dropCollection(name);
    await reader.follow(
      'Repeat it until it shows `[DROPS]`:\n\n```sh\nlinkspan migration describe "$MIGRATION_ID"\n```',
    );
    await eventually(async () => /!! {2}No drops wait/.test(await describe(push)), {
      what: 'the drops to wait',
      pollMs: 100,
    });
    await part.follow(reader);
  }
  await using app = await SideWriter.start(pair.source, 'source', SELDOM_MS);
  {
    using part = new PagePart('The attempt is postponed again and again', 'control plane');
    await using transaction = await OpenTransaction.begin(pair.source);
    await push.cutOver();
    await eventually(async () => /^waiting .*a\s+transaction\s+of\s+checkout/ms.test(await describe(push)), {
      what: 'the reason',
      pollMs: 100,
    });
    await part.follow(reader, 1);
    assert.match(reader.answer, /attempt 1 +aborted/);
    assert.equal(await app.canWrite(), true);
    await part.follow(reader, 1);
    assert.match(reader.answer, /appName: 'checkout'/);
    await transaction.commit();
    await setup.until('ready again', ({ readyForCutover }) => readyForCutover);
    await part.follow(reader);
    // On a busy machine a rehearsal ends before its last step, or can't block users within its time.
    assert.match(
      reader.answer,
      /attempt 2 +(rehearsed .* a cutover would stop them for about|not rehearsed .* (not\s+reached|not\s+be\s+blocked\s+within))/s,
    );
  }
  {
    using part = new PagePart('Users are blocked for too long', 'control plane');
    await using _ = await slowMajority(pair.source);
    await push.cutOver();
    await eventually(async () => (await setup.show()).linkspan.sourceBlockedSince !== undefined, {
      what: 'users to be blocked',
      pollMs: 100,
    });
    await part.follow(reader);
    assert.match(reader.answer, /attempt \d +aborted/);
    assert.equal(await app.canWrite(), true);
    assert.equal((await setup.show()).linkspan.sourceBlockedSince, undefined);
  }
});

test('linkspan sync: the page makes a migration ready, ends attempts that are postponed, and one that blocks users', {
  skip,
}, async () => {
  await using sync = await OperatedSync.ready();
  const { pair, reader } = sync;
  {
    using part = new PagePart('Look first', 'sync');
    await part.follow(reader, 1);
    assert.equal(JSON.parse(reader.answer).progress.canCommit, true);
    await part.follow(reader);
  }
  {
    using part = new PagePart('It never becomes ready', 'sync');
    await sync.call('pause');
    await part.follow(reader, 1);
    for (const name of ['carts', 'visits']) await pair.source.client.db('shop').dropCollection(name);
    const gate = async () =>
      (await sync.progress()).linkspan.readiness.find(({ name }: { readonly name: string }) => name === 'DROPS');
    await eventually(async () => (await gate()).state === 'BLOCKED', { what: 'the drops to wait', pollMs: 100 });
    await part.follow(reader);
  }
  await using app = await SideWriter.start(pair.source, 'source', SELDOM_MS);
  const attempt = async () => (await sync.progress()).linkspan.cutoverAttempts.at(-1);
  {
    using part = new PagePart('The attempt is postponed again and again', 'sync');
    await using transaction = await OpenTransaction.begin(pair.source);
    await sync.cutOver();
    await eventually(async () => (await attempt())?.steps.at(-1).reason.includes('a transaction of checkout'), {
      what: 'the reason',
      pollMs: 100,
    });
    await part.follow(reader, 1);
    assert.equal((await attempt()).result, 'ABORTED');
    assert.equal(await app.canWrite(), true);
    await part.follow(reader, 1);
    assert.match(reader.answer, /appName: 'checkout'/);
    await transaction.commit();
    await sync.untilReady();
    await part.follow(reader);
    const { wouldStopMs, reason } = await attempt();
    assert.ok(wouldStopMs > 0 || /not reached|not be blocked within/.test(reason), reason);
  }
  {
    using part = new PagePart('Users are blocked for too long', 'sync');
    await using _ = await slowMajority(pair.source);
    await sync.cutOver();
    const isBlocked = async () =>
      (await attempt()).steps.some(({ name }: { readonly name: string }) => name === 'block');
    await eventually(isBlocked, { what: 'users to be blocked', pollMs: 100 });
    await part.follow(reader);
    assert.equal((await attempt()).result, 'ABORTED');
    assert.equal(await app.canWrite(), true);
  }
});

async function describe({ reader }: OperatedPush): Promise<string> {
  await reader.follow('```sh\nlinkspan migration describe "$MIGRATION_ID"\n```');
  return reader.answer;
}
