import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLinkspan } from '../support/linkspan-process.ts';

async function run(line: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  await using linkspan = runLinkspan(line.split(' '));
  const { code } = await linkspan.exit;
  return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
}

test('an unknown flag or command names what was meant, and the help of the command at hand', async () => {
  for (const [line, meant, command] of [
    ['sync --drop', '--drop-destination', 'sync'],
    ['sync --once --clusterX a', 'one of --cluster0, --cluster1', 'sync'],
    ['sync --memory 500', '--memory-megabytes', 'sync'],
    ['plan --drop a b', '--drop-destination', 'plan'],
    ['cleanup --dryrun', '--dry-run', 'cleanup'],
    ['cleanup --drop-destination', '--drop', 'cleanup'],
    ['serve --listn x', '--listen', 'serve'],
    ['migration create --drop-destination', '--drop', 'migration create'],
    ['migration limit-copy a --max-megabytes-per-second 10', '--maxMegabytesPerSecond', 'migration limit-copy'],
    ['api-key access-list create --api-key a', '--apiKey', 'api-key access-list create'],
    ['snc', 'sync', ''],
    ['comp', 'completion', ''],
    ['migration cut', 'cutover', 'migration'],
    ['migration list --page-num 2', '--page', 'migration list'],
    ['keys rot', 'rotate', 'keys'],
  ] as const) {
    const { code, stdout, stderr } = await run(line);
    assert.deepEqual([code, stdout], [2, ''], line);
    const help = `See 'linkspan${command === '' ? '' : ` ${command}`} --help'.`;
    assert.ok(stderr.endsWith(`Did you mean ${meant}? ${help} [USAGE]\n`), `${line}: ${stderr}`);
    assert.equal(stderr.split('\n').length, 2, 'one line');
  }
});

test('every usage error names the help of the command at hand', async () => {
  for (const [line, command] of [
    ['sync', 'sync'],
    ['sync --port 70000', 'sync'],
    ['sync --cluster0 mongodb://a --cluster1 mongodb://b --once --drop-destination cluster0', 'sync'],
    ['plan', 'plan'],
    ['agent', 'agent'],
    ['agent check', 'agent'],
    ['cleanup', 'cleanup'],
    ['serve --listen nowhere', 'serve'],
    ['completion', 'completion'],
    ['migration describe', 'migration describe'],
    ['sync --zzz', 'sync'],
    ['zzz', ''],
  ] as const) {
    const { code, stderr } = await run(line);
    assert.equal(code, 2, line);
    const help = `See 'linkspan${command === '' ? '' : ` ${command}`} --help'. [USAGE]\n`;
    assert.ok(stderr.endsWith(help), `${line}: ${stderr}`);
  }
  const { stdout } = await run('sync --output json');
  assert.equal(JSON.parse(stdout).error.remedy, "See 'linkspan sync --help'.");
});

test('the help marks what a command needs', async () => {
  for (const [command, needed, free] of [
    ['sync', ['--cluster0 <uri>', '--cluster1 <uri>'], ['--port <number>', '--once', '--config <file>']],
    ['plan', ['--cluster0 <uri>', '--cluster1 <uri>'], ['--config <file>']],
    ['cleanup', ['--destination <uri>'], ['--migration <id>', '--drop']],
    ['agent', ['--config <file>'], []],
    ['agent check', ['--config <file>'], []],
    ['backup', ['--file <file>'], ['--data-dir <directory>']],
    ['migration create', ['--clusterName <text>', '--projectId <id>'], ['--drop', '-p, --sourcePassword <text>']],
    ['migration describe', ['liveMigrationId'], ['--profile <name>']],
    ['cluster create', ['name', '--connectionString <text>', '--projectId <id>'], ['--profile <name>']],
    ['org list', [], ['--page <number>']],
  ] as const) {
    const { stdout } = await run(`${command} --help`);
    const [, ...lists] = stdout.split(/^(?:Arguments|Options|Global Options):\n/m);
    const entries = lists
      .join('')
      .split(/\n {2}(?=\S)|^ {2}(?=\S)/m)
      .map((entry) => entry.replace(/\s+/g, ' '));
    const isMarked = (term: string) => {
      const entry = entries.find((one) => one.startsWith(`${term} `) || one.startsWith(`-o, ${term} `));
      assert.ok(entry !== undefined, `${term} in the help of ${command}:\n${stdout}`);
      return /\(required\b/.test(entry);
    };
    for (const term of needed) assert.ok(isMarked(term), `${command} ${term}: ${stdout}`);
    for (const term of free) assert.ok(!isMarked(term), `${command} ${term}: ${stdout}`);
  }
});
