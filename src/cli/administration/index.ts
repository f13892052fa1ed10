import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { endOf, writeResult } from '../command-line/outcome.ts';
import { ADDITIONAL, colour, wrap } from '../terminal/index.ts';
import { type AdministrationCommand, type Flag, force, PLACES, type Values } from './command.ts';
import { nounHelp } from './noun-help.ts';
import { aliases, nouns } from './nouns.ts';
import { profileOption } from './profile-option.ts';
import { routeOf } from './route-of.ts';

type Print = (text: string) => void;

/**
 * Returns the command of an API noun with its verbs, such as `linkspan project list`.
 * @param print  receives the output of the verbs
 */
export function administrationCommand(noun: string, print: Print = (text) => void process.stdout.write(text)): Command {
  const definitions = nouns[noun] ?? [];
  const group = nounCommand(noun, noun);
  const nested = Map.groupBy(definitions, ({ name }) => name.split(' ').at(-2));
  for (const [second, those] of nested) {
    const parent = second === undefined ? group : nounCommand(second, `${noun} ${second}`);
    // Core commands come first, as in the `gh` CLI.
    const inOrder = [...those.filter((one) => !isTargeted(one)), ...those.filter(isTargeted)];
    for (const definition of inOrder) {
      parent.commandsGroup(isTargeted(definition) ? 'Targeted commands:' : 'Core commands:');
      parent.addCommand(verb(definition, print));
    }
    if (parent !== group) group.commandsGroup(ADDITIONAL).addCommand(parent);
  }
  return group;
}

/** @param words  the noun, after the noun that it is nested in */
function nounCommand(noun: string, words: string): Command {
  const { summary, about = '', examples = [], seeAlso = [] } = nounHelp[words] ?? {};
  const command = new Command(noun)
    .summary(summary ?? '')
    .description(about === '' ? `${summary}.` : `${summary}. ${about}`)
    .aliases(aliases[noun] ?? []);
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0
      ? ''
      : `\n${colour('heading', title, process.stdout)}\n${lines.map((line) => `${wrap(`  ${line}`, process.stdout, 4)}\n`).join('')}`;
  const more = `Use "linkspan ${words} <command> --help" for the flags of a command.`;
  return command.addHelpText('after', () =>
    (section('Examples:', examples) + section('See also:', [more, ...seeAlso])).trimEnd(),
  );
}

/** Whether the command works on one record that its path names. */
function isTargeted(command: AdministrationCommand): boolean {
  const { argument } = command;
  return argument !== undefined && routeOf(command).path.includes(`{${argument}}`);
}

function verb(definition: AdministrationCommand, print: Print): Command {
  const { summary, argument } = definition;
  const { method, path } = routeOf(definition);
  const flags = [...(definition.flags ?? []), ...(method === 'DELETE' ? [force] : [])];
  const name = definition.name.split(' ').at(-1) ?? '';
  const command = new Command(name)
    .aliases(aliases[name] ?? [])
    .summary(summary)
    .description(`${summary}.`);
  if (argument) {
    const inProfile = argument in PLACES ? ', or in the profile' : '';
    command.argument(`[${argument}]`, `(required, or as --${argument}${inProfile})`);
  }
  const second = flags.find(({ name }) => name === definition.second);
  if (second) command.argument(`[${second.name}]`, `the same as --${second.name}`, argumentParser(second));
  for (const flag of flags) command.addOption(optionOf(flag, argument));
  if (definition.watch) command.option('-w, --watch', 'Show progress live until the migration ends');
  if (argument && !(argument in PLACES) && !flags.some(({ name }) => name === argument)) {
    command.option(`--${argument} <text>`, 'The same as the argument');
  }
  for (const [name, description] of Object.entries(PLACES)) {
    if (path.includes(`{${name}}`)) command.option(`--${name} <id>`, description);
  }
  command
    .addOption(profileOption())
    .addOption(
      new Option('-o, --output <format>', 'Output format: table for people, json for programs')
        .choices(['table', 'json'])
        .default('table'),
    );
  return command.action(async (...given: unknown[]) => {
    const positional = [argument, second?.name].flatMap((name, at) =>
      name !== undefined && given[at] !== undefined ? [[name, given[at]]] : [],
    );
    const flagged = command.opts<Record<string, unknown>>();
    const { ask } = await import('./ask.ts');
    try {
      print(await ask(definition, withInput({ ...flagged, ...Object.fromEntries(positional) })));
    } catch (error) {
      if (flagged.output === 'json') writeResult(endOf(error), { write: print });
      throw error;
    }
  });
}

/** Replaces `-` by the text on stdin, so that secrets stay out of the process list. */
function withInput(values: Values): Values {
  const entries = Object.entries(values).map(([name, value]) => [
    name,
    value === '-' ? readFileSync(0, 'utf8').trim() : value,
  ]);
  return Object.fromEntries(entries);
}

function optionOf(
  { name, short, description: what, kind, choices, byDefault, needed }: Flag,
  argument: string | undefined,
): Option {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  const description = needed && name !== argument && !(name in PLACES) ? `${what} (required)` : what;
  if (kind === 'boolean') return new Option(names, description);
  const option = new Option(
    `${names} <${kind === 'choice' ? (choices === undefined ? 'boolean' : 'moment') : (kind ?? 'text')}>`,
    description,
  );
  if (kind === 'list') option.argParser((text, before: readonly string[] = []) => [...before, ...text.split(',')]);
  if (kind === 'texts') option.argParser((text, before: readonly string[] = []) => [...before, text]);
  if (kind === 'number') option.argParser(parseNumber);
  if (kind === 'choice') option.choices(choices ?? ['true', 'false']);
  if (byDefault !== undefined) option.default(byDefault);
  return option;
}

function argumentParser({ kind }: Flag): (text: string) => unknown {
  return kind === 'number' ? parseNumber : (text) => text;
}

function parseNumber(text: string): number {
  if (!/^\d{1,9}(\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError('It is not a number.');
  return Number(text);
}
