import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { exitCode } from '../../src/cli/command-line/exit-code.ts';
import { runLinkspan } from '../support/linkspan-process.ts';

const page = readFileSync(new URL('../../docs/reference/interfaces.md', import.meta.url), 'utf8');

/** Returns the rows of the table under a heading, as cells without backticks. */
function table(heading: string): string[][] {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2);
  assert.ok(rows.length > 0, `nothing under ${heading}`);
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('`', '').trim()),
  );
}

const helpTexts = new Map<string, Promise<string>>();

function help(command: string): Promise<string> {
  const text = helpTexts.get(command) ?? readHelp(command);
  helpTexts.set(command, text);
  return text;
}

async function readHelp(command: string): Promise<string> {
  await using linkspan = runLinkspan([...command.split(' '), '--help'], { cwd: tmpdir() });
  assert.deepEqual(await linkspan.exit, { code: 0, signal: null });
  return linkspan.stdout.replace(/\s+/g, ' ');
}

test('every command has exactly the flags that docs/reference/interfaces.md lists', async () => {
  const rows = table('Commands').flatMap(
    ([commands, flags]) => commands?.split(', ').map((each) => [each, flags]) ?? [],
  );
  for (const [command, flags] of rows) {
    const shown = new Set((await help(command ?? '')).match(/(?<=\s)--[a-z][a-z0-9-]*(?=[ ,])/g));
    shown.delete('--help');
    assert.deepEqual([...shown].sort(), (flags ?? '').split(', ').sort(), command);
  }
});

test('the commands that docs/reference/interfaces.md names read the environment variables, with its defaults', async () => {
  for (const [variable, fallback, reader] of table('Environment')) {
    const text = await help((reader ?? '').split(',')[0] ?? '');
    assert.ok(text.includes(variable ?? '?'), `${variable} is not in the help of ${reader}`);
    if (fallback)
      assert.ok(text.includes(`(default: "${fallback}", env: ${variable})`), `${variable} has another default`);
  }
});

test('the exit codes are those of docs/reference/interfaces.md', () => {
  const listed = table('Exit codes').map(([code]) => Number(code));
  assert.deepEqual(
    listed,
    Object.values(exitCode).sort((a, b) => a - b),
  );
});
