import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Shell programs that complete the last word of a line. `$1` is the completion script; the words of the line follow. */
const SHELLS = {
  bash: `source "$1"; shift
    complete -p linkspan > /dev/null || exit 1
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _linkspan; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // zsh defines these functions only while it edits a line, so the test replaces them.
  zsh: `compdef() { [[ "$*" == '_linkspan linkspan' ]] || exit 1 }
    compadd() { shift; print -l -- "$@" }
    _files() { }
    source "$1"; shift
    words=("$@") CURRENT=$#
    _linkspan`,
  fish: `source $argv[1]; complete -C (string join ' ' -- $argv[2..] | string collect) | string replace -r '\\t.*' ''; true`,
};

/** A line, some words that must be offered next, and some that must not. */
const LINES: readonly (readonly [line: string, offered: readonly string[], not: readonly string[]])[] = [
  ['linkspan ', ['serve', 'project', 'completion'], ['list', 'table']],
  ['linkspan project ', ['create', 'api-key', 'event'], ['serve', 'assign']],
  ['linkspan projects api-key ', ['assign', 'update'], ['find']],
  ['linkspan api-key accessLists ', ['create', 'delete'], ['assign']],
  ['linkspan cluster list --output ', ['table', 'json'], ['create', '--limit']],
  ['linkspan org list --name create --output ', ['table', 'json'], ['--apiKeyRole']],
  ['linkspan completion ', ['bash', 'zsh', 'fish'], ['serve']],
  ['linkspan agent check --', ['--config', '--help'], ['--version']],
  ['linkspan api-key create --', ['--desc', '--role', '--orgId'], ['--projectId']],
];

for (const [shell, program] of Object.entries(SHELLS)) {
  const missing = spawnSync(shell, ['-c', 'exit 0']).error !== undefined;
  test(`linkspan completion ${shell} has ${shell} complete nouns, verbs, flags and their values`, {
    skip: missing && `${shell} is not installed`,
  }, async () => {
    using folder = temporaryFolder('completion');
    const script = join(folder.path, 'script');
    await using linkspan = runLinkspan(['completion', shell]);
    assert.equal((await linkspan.exit).code, 0, linkspan.stderr);
    writeFileSync(script, linkspan.stdout);
    const plain = { bash: ['--norc'], zsh: ['-f'], fish: ['--no-config'] }[shell] ?? [];
    const complete = (line: string) => {
      const words = [...plain, '-c', program, ...(shell === 'fish' ? [] : [shell]), script, ...line.split(' ')];
      // fish needs a writable home directory.
      return execFileSync(shell, words, { encoding: 'utf8', env: { ...process.env, HOME: folder.path } }).split('\n');
    };
    for (const [line, offered, not] of LINES) {
      const candidates = complete(line);
      for (const each of offered) assert.ok(candidates.includes(each), `${each} after "${line}": ${candidates}`);
      for (const each of not) assert.ok(!candidates.includes(each), `${each} after "${line}": ${candidates}`);
    }
    assert.deepEqual(
      complete('linkspan org list --page ').filter((word) => word.startsWith('-')),
      [],
    );
  });
}
