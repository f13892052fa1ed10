import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkForLeaks } from '../support/leak-check.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { stepsOf } from './steps.ts';

checkForLeaks({ sockets: false });

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BIN = join(ROOT, 'bin');

/** Returns the commands of a shell script without the values that it sets: `export LINKSPAN_URL LINKSPAN_ORG_ID`, `linkspan status describe`. */
const commandsOf = (script: string) =>
  script
    .split('\n')
    .filter((line) => /^(export LINKSPAN|linkspan )/.test(line))
    .map((line) => line.replace(/=(?:'[^']*'|"[^"]*")/g, ''));

test("the next step that the first start prints is the guide's, and works when it is pasted", async () => {
  using folder = temporaryFolder('welcome');
  await using server = runLinkspan(['serve', '--data-dir', folder.path, '--listen', '127.0.0.1:0']);
  await server.waitForLine(/^linkspan serve: ready at /);
  const [, next = ''] = /\nNext, [^\n]*:\n\n(.*?)\n\n/s.exec(server.stdout) ?? [];

  const guide = readFileSync(join(ROOT, 'docs/get-started/first-migration.md'), 'utf8');
  const commands = stepsOf(guide).flatMap((step) => (step.does === 'run' ? [step.command] : []));
  const start = commands.findIndex((command) => command.startsWith('linkspan serve'));
  assert.deepEqual(commandsOf(next), commandsOf(commands[start + 1] ?? ''));
  assert.match(server.stdout, /docs\/get-started\/first-migration\.md/);

  // A new terminal does not have linkspan on its path.
  const PATH = (process.env.PATH ?? '').split(delimiter).filter((path) => path !== BIN);
  const env = { HOME: folder.path, NO_PROXY: '*', PATH: PATH.join(delimiter) };
  const answer = execFileSync('sh', ['-c', next], { encoding: 'utf8', env });
  const [, publicKey = ''] = /Public key: +(\S+)/.exec(server.stdout) ?? [];
  assert.ok(publicKey !== '' && answer.includes(publicKey), answer);
  assert.match(answer, /ORG_OWNER/);
});
