import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { startControlPlane } from '../../atlas-api/control-plane.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { noTerminal, runLinkspan } from '../../support/linkspan-process.ts';
import { startPair } from '../../support/replica-set.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

checkForLeaks({ sockets: false });

const WIDTHS = [60, 80, 120, 200];

async function linesOf(args: readonly string[], columns: number, env: Record<string, string> = {}): Promise<string[]> {
  await using linkspan = runLinkspan(args, { columns, env });
  await linkspan.exit;
  return stripVTControlCharacters(linkspan.stdout).split('\n');
}

/** Maximum columns of an indentation or name before a word that is too long for the line, such as a key. */
const BESIDE = 20;

/** Asserts that no line is too long, because a terminal would break it inside a word. Lines with one long word, such as a key, are exempt. */
function assertFits(lines: readonly string[], columns: number): void {
  const tooLong = lines.filter((line) => line.length > columns && line.lastIndexOf(' ') > BESIDE);
  assert.deepEqual(tooLong, [], `at ${columns} columns`);
}

test('help fits terminals of 60 to 200 columns without breaking a word', { skip: noTerminal }, async () => {
  for (const columns of WIDTHS) {
    for (const command of ['', 'serve', 'agent', 'sync', 'migration create']) {
      const lines = await linesOf([...command.split(' '), '--help'].filter(Boolean), columns);
      assert.ok(lines.length > 10, lines.join('\n'));
      assertFits(lines, columns);
    }
  }
});

test('errors, checks and the welcome fit terminals of 60 to 200 columns without breaking a word', {
  skip: noTerminal,
}, async () => {
  using folder = temporaryFolder('w');
  for (const columns of WIDTHS) {
    assertFits(await linesOf(['sync', '--port', 'x'], columns), columns);
    assertFits(await linesOf(['migration', 'create'], columns, { LINKSPAN_URL: 'http://127.0.0.1:9' }), columns);
    const data = join(folder.path, String(columns));
    assertFits(await linesOf(['serve', 'check', '--data-dir', data], columns), columns);
    await using server = runLinkspan(['serve', '--data-dir', data, '--listen', '127.0.0.1:0'], { columns });
    await server.waitForLine(/linkspan serve: ready/);
    // Commands are not wrapped, because users paste them.
    const prose = server.stdout.split('\n').filter((line) => !/^(export|curl| {2}--)/.test(line));
    assertFits(prose, columns);
  }
});

for (const widths of [WIDTHS.slice(0, 2), WIDTHS.slice(2)]) {
  test(`a plan and the progress of a migration fit ${widths.join(' and ')} columns without breaking a word`, {
    skip: noTerminal,
  }, async () => {
    await using pair = await startPair();
    await pair.source.client.db('shop').collection('orders').insertOne({ text: 'one' });
    const { source, destination } = pair;
    for (const columns of widths) {
      const plan = await linesOf(['plan', source.uri, destination.uri, '--drop-destination'], columns);
      assert.ok(plan.includes('Nothing stops this migration.'), plan.join('\n'));
      assertFits(plan, columns);
      const clusters = ['--cluster0', source.uri, '--cluster1', destination.uri];
      const progress = await linesOf(['sync', '--once', '--drop-destination', ...clusters], columns);
      const isDone = progress.some((line) => line.startsWith('complete'));
      assert.ok(isDone, progress.join('\n'));
      assertFits(progress, columns);
    }
  });
}

test('a list is a table if the terminal is wide enough, and otherwise one block of lines per record', {
  skip: noTerminal,
}, async () => {
  await using plane = await startControlPlane();
  const env = {
    LINKSPAN_URL: plane.url,
    LINKSPAN_PUBLIC_KEY: plane.publicKey,
    LINKSPAN_PRIVATE_KEY: plane.privateKey,
    LINKSPAN_ORG_ID: plane.orgId,
  };
  const wide = await linesOf(['event', 'list'], 200, env);
  assert.match(wide[0] ?? '', /^id +created +eventTypeName/);
  assertFits(wide, 200);
  for (const columns of [60, 80]) {
    const narrow = await linesOf(['event', 'list'], columns, env);
    assert.match(narrow[0] ?? '', /^id +[0-9a-f]{24}$/);
    assert.match(narrow[1] ?? '', /^created +\d{4}-/);
    assertFits(narrow, columns);
  }
});
