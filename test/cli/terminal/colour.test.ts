import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkForLeaks } from '../../support/leak-check.ts';
import { noTerminal, type RunOptions, runLinkspan } from '../../support/linkspan-process.ts';
import { startPair } from '../../support/replica-set.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

checkForLeaks({ sockets: false });

const RED = '\u001b[31m';
const YELLOW = '\u001b[33m';
const GREEN = '\u001b[32m';
const BOLD = '\u001b[1m';
/** Escape sequences for colours and styles. The progress view also moves the cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the test looks for them
const ANY_COLOUR = /\u001b\[[\d;]*m/;

async function outputOf(args: readonly string[], options: RunOptions): Promise<string> {
  await using linkspan = runLinkspan(args, options);
  await linkspan.exit;
  return linkspan.stdout + linkspan.stderr;
}

/** Runs a command line in every way that turns colours on or off. */
async function assertColours(args: readonly string[], ...expected: readonly string[]): Promise<void> {
  const coloured = {
    'on a terminal': outputOf(args, { columns: 120 }),
    FORCE_COLOR: outputOf(args, { env: { FORCE_COLOR: '1' } }),
  };
  const plain = {
    NO_COLOR: outputOf(args, { columns: 120, env: { NO_COLOR: '1' } }),
    '--no-color': outputOf([...args, '--no-color'], { columns: 120, env: { FORCE_COLOR: '1' } }),
    'TERM=dumb': outputOf(args, { columns: 120, env: { TERM: 'dumb' } }),
    'elsewhere than on a terminal': outputOf(args, {}),
  };
  for (const [how, output] of Object.entries(coloured)) {
    const text = await output;
    for (const sequence of expected) assert.ok(text.includes(sequence), `${how}: ${JSON.stringify(text)}`);
  }
  for (const [how, output] of Object.entries(plain)) assert.doesNotMatch(await output, ANY_COLOUR, how);
}

test('help has headings, and errors are red, unless colours are turned off', { skip: noTerminal }, async () => {
  await assertColours(['--help'], BOLD);
  await assertColours(['sync', '--help'], BOLD);
  await assertColours(['sync'], RED);
  await assertColours(['--nonsense'], RED);
});

test('checks are green, yellow and red, unless colours are turned off', { skip: noTerminal }, async () => {
  using folder = temporaryFolder('colours');
  await assertColours(['serve', 'check', '--data-dir', join(folder.path, 'none')], GREEN, YELLOW);
  const config = join(folder.path, 'agent.yaml');
  const deployments = [{ name: 'orders', uri: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200' }];
  const projects = [{ id: '0123456789abcdef01234567', name: 'shop', deployments }];
  writeFileSync(config, JSON.stringify({ host: 'mover', projects }), { mode: 0o600 });
  await assertColours(['agent', 'check', '--config', config], GREEN, RED);
});

test('plan and sync colour errors, warnings and success, unless colours are turned off', {
  skip: noTerminal,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('orders').insertOne({ text: 'one' });
  const { source, destination } = pair;
  await assertColours(['plan', source.uri, destination.uri], YELLOW, GREEN);
  await assertColours(['plan', source.uri, 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200'], RED);
  const sync = ['sync', '--once', '--drop-destination', '--cluster0', source.uri, '--cluster1', destination.uri];
  const coloured = await outputOf(sync, { columns: 120 });
  assert.ok(coloured.includes(`${GREEN}complete`), JSON.stringify(coloured));
  const plain = await outputOf([...sync, '--no-color'], { columns: 120 });
  assert.match(plain, /complete +0:00/);
  assert.doesNotMatch(plain, ANY_COLOUR);
});
