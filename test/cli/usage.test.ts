import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Command } from 'commander';
import { linkspan } from '../../src/cli/main.ts';
import { CommandLines } from './command-lines.ts';

const lines = new CommandLines();
after(() => lines[Symbol.dispose]());
const run = (line: string) => lines.run(line);

test("the error of an unknown flag or command suggests a known one and names the command's help", async () => {
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

test("every usage error names the command's help", async () => {
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

test('the help marks required flags', async () => {
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
    const [, ...lists] = stdout.split(/^(?:Arguments|Flags|Inherited flags):\n/m);
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

/** Returns the sections of a help text: for each heading, the first word of each line and the text beside it. */
async function sectionsOf(command: string): Promise<Record<string, Record<string, string>>> {
  const { code, stdout } = await run(`${command} --help`.trim());
  assert.equal(code, 0, stdout);
  const sections: Record<string, Record<string, string>> = {};
  let lines: Record<string, string> = {};
  for (const line of stdout.split('\n')) {
    const [, heading] = /^([A-Z][\w ]+):/.exec(line) ?? [];
    if (heading !== undefined) {
      lines = {};
      sections[heading] = lines;
    }
    const [, word, beside] = /^ {2}([\w-]+)\S*(?: \S+)* {2,}(\S.*)$/.exec(line) ?? [];
    if (word !== undefined && beside !== undefined) lines[word] = beside;
  }
  return sections;
}

test('the help groups the commands by purpose, one line each', async () => {
  const sections = await sectionsOf('');
  const groups = ['Run', 'Migrate', 'Administer', 'Maintain', 'Additional commands'];
  assert.deepEqual(Object.keys(sections).slice(0, 7), ['Usage', ...groups, 'Flags']);
  assert.deepEqual(Object.keys(sections.Run ?? {}), ['serve', 'agent', 'demo']);
  assert.deepEqual(Object.keys(sections.Migrate ?? {}), [
    'migration',
    'validation',
    'apply',
    'fleet',
    'plan',
    'probe',
    'sync',
    'verify',
    'digest',
    'cleanup',
  ]);
  assert.equal(sections.Administer?.project, 'Manage projects');
  assert.equal(sections.Maintain?.keys, 'Rotate the master key');
  const { stdout } = await run('--help');
  for (const heading of groups) {
    const lines = stdout.split(`${heading}:\n`)[1]?.split('\n\n')[0]?.split('\n') ?? [];
    assert.equal(lines.length, Object.keys(sections[heading] ?? {}).length, `${heading}: a command takes one line`);
  }
});

test('the help of a noun separates core from targeted commands, and has examples and references', async () => {
  const sections = await sectionsOf('migration');
  assert.deepEqual(Object.keys(sections), [
    'Usage',
    'Core commands',
    'Targeted commands',
    'Additional commands',
    'Flags',
    'Aliases',
    'Examples',
    'See also',
  ]);
  assert.deepEqual(sections['Core commands'], {
    list: 'List live migrations, the newest first',
    create: 'Start a live migration',
  });
  const targeted = sections['Targeted commands'] ?? {};
  assert.equal(targeted.cancel, 'Cancel a live migration');
  assert.equal(targeted['limit-copy'], 'Limit the copy rate');
  assert.deepEqual(Object.keys(targeted), [
    'describe',
    'wait',
    'cutover',
    'report',
    'history',
    'collections',
    'mismatches',
    'pause',
    'resume',
    'cancel',
    'set-load-level',
    'limit-copy',
    'set-windows',
    'set-labels',
    'move',
    'reverse',
    'finish',
    'confirm-drops',
    'extend-window',
  ]);
});

test('every command has a summary that begins with a verb and names its object', async () => {
  const program = await linkspan();
  const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)];
  for (const command of everyCommand(program).slice(1)) {
    const summary = command.summary();
    const words = `${command.parent?.name()} ${command.name()}`;
    assert.match(summary, /^[A-Z][a-z]+ [^.]+$/, `${words}: ${summary}`);
    assert.doesNotMatch(summary, /\bone(?:$|[,;])|\bby the API\b/, `${words}: ${summary}`);
    assert.ok(command.description().startsWith(summary.split(' ')[0] ?? '?'), `${words}: ${command.description()}`);
    assert.ok(command.helpGroup() !== '', `${words} is in a group`);
  }
});
