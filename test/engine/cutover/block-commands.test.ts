import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from 'mongodb';
import { onFailpoint } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { SentCommands } from '../../support/sent-commands.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

test('the source is asked whose its write block is with two commands before the block, and two in the pause', {
  skip,
}, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertOne({});
  await using source = await SentCommands.inFrontOf((await pair.source.primary()).port);
  await using running = RunningMigration.start({ source, destination: pair.destination });
  await running.untilReady();
  const asked: Record<string, string[]> = {};
  let from = 0;
  using points = new DisposableStack();
  for (const point of ['about-to-block', 'claimed', 'source-blocked', 'drained', 'announced', 'committed'])
    points.use(
      onFailpoint(`engine.cutover.${point}`, () => {
        asked[point] = source.commands.slice(from).flatMap(aboutBlock);
        from = source.commands.length;
      }),
    );
  await running.commit();
  const { 'about-to-block': _, ...sinceThen } = asked;
  assert.deepEqual(sinceThen, {
    claimed: ['note claimed', 'read the notes'],
    'source-blocked': ['set the block'],
    drained: [],
    announced: ['note committing', 'read the notes'],
    committed: [],
  });
});

/** Names a command about the write block. */
function aboutBlock(command: Document): string[] {
  if (command.setUserWriteBlockMode) return ['set the block'];
  if (command.find === 'user_writes_critical_sections') return ['read the block'];
  const { block } = command.data?.linkspan ?? {};
  if (command.appendOplogNote && block) return [`note ${block}`];
  const isAboutBlock = JSON.stringify(command.filter ?? {}).includes('o.linkspan.block');
  return command.find === 'oplog.rs' && isAboutBlock ? ['read the notes'] : [];
}
