import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startPair } from '../support/replica-set.ts';
import { startSync } from '../support/sync-process.ts';

test('a second process for a migration is refused and names the first; --take-over stops the first, and reports where it resumes', async () => {
  await using pair = await startPair();
  await pair.source.client
    .db('shop')
    .collection('items')
    .insertMany(Array.from({ length: 50 }, (_, n) => ({ n })));
  const uris = { source: pair.source.uri, destination: pair.destination.uri };
  await using first = await startSync(uris);
  await eventually(async () => (await first.progress()).canCommit, {
    what: 'the first to be ready',
  });
  await assert.rejects(startSync(uris), (error: Error) => {
    assert.match(error.message, new RegExp(`process ${first.linkspan.pid} on host ${hostname()}, since 2`));
    assert.match(error.message, /--take-over/);
    return true;
  });
  assert.equal((await first.progress()).canCommit, true, 'the first continues');
  await using second = await startSync(uris, ['--take-over']);
  await second.linkspan.waitForLine(
    /resuming from the checkpoint of 2\d{3}-\S+Z: 50 documents \(\d+(\.\d+)? k?B\) were copied$/,
  );
  assert.equal((await first.linkspan.exit).code, 1);
  assert.match(first.linkspan.stderr, /\[TAKEN_OVER\]/);
  await eventually(async () => (await second.progress()).canCommit, { what: 'the second to be ready' });
  await second.linkspan[Symbol.asyncDispose]();
  await using third = await startSync(uris);
  assert.ok(await third.progress(), 'a killed process of this host blocks no other one');
});
