import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ask } from './ask.ts';
import { type AdministrationCommand, type Flag, force, PLACES, type Values } from './command.ts';
import { aliases, nouns } from './nouns.ts';

type Print = (text: string) => void;

/**
 * A noun of the API with its verbs, such as `linkspan project list`.
 * @param print  takes what the verbs show
 */
export function administrationCommand(noun: string, print: Print = (text) => void process.stdout.write(text)): Command {
  const definitions = nouns[noun] ?? [];
  const group = nounCommand(noun, definitions);
  const nested = Map.groupBy(definitions, ({ name }) => name.split(' ').at(-2));
  for (const [second, those] of nested) {
    const parent = second === undefined ? group : nounCommand(second, those);
    for (const definition of those) parent.addCommand(verb(definition, print));
    if (parent !== group) group.addCommand(parent);
  }
  return group;
}

function nounCommand(noun: string, definitions: readonly AdministrationCommand[]): Command {
  const words = new Set(definitions.map(({ name }) => name.replace(`${noun} `, '').split(' ')[0]));
  const command = new Command(noun).summary(`${[...words].join(', ')}: by the API`);
  return command.aliases(aliases[noun] ?? []);
}

function verb(definition: AdministrationCommand, print: Print): Command {
  const { summary, path, argument, method } = definition;
  const flags = [...(definition.flags ?? []), ...(method === 'DELETE' ? [force] : [])];
  const name = definition.name.split(' ').at(-1) ?? '';
  const command = new Command(name)
    .aliases(aliases[name] ?? [])
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
  if (argument) {
    const inProfile = argument in PLACES ? ', or in the profile' : '';
    command.argument(`[${argument}]`, `(required, or as --${argument}${inProfile})`);
  }
  const second = flags.find(({ name }) => name === definition.second);
  if (second) command.argument(`[${second.name}]`, `the same as --${second.name}`, argumentParser(second));
  for (const flag of flags) command.addOption(optionOf(flag, argument));
  if (definition.watch) command.option('-w, --watch', 'show it live until it has ended');
  if (argument && !(argument in PLACES) && !flags.some(({ name }) => name === argument)) {
    command.option(`--${argument} <text>`, 'instead of the argument');
  }
  for (const [name, description] of Object.entries(PLACES)) {
    if (path.includes(`{${name}}`)) command.option(`--${name} <id>`, description);
  }
  command
    .addOption(new Option('--profile <name>', 'of profiles.yaml').env('LINKSPAN_PROFILE').default('default'))
    .addOption(
      new Option('-o, --output <format>', 'for people or for programs').choices(['table', 'json']).default('table'),
    );
  return command.action(async (...given: unknown[]) => {
    const positional = [argument, second?.name].flatMap((name, at) =>
      name !== undefined && given[at] !== undefined ? [[name, given[at]]] : [],
    );
    const flagged = command.opts<Record<string, unknown>>();
    print(await ask(definition, withInput({ ...flagged, ...Object.fromEntries(positional) })));
  });
}

/** Secrets need not be in the process list. */
function withInput(values: Values): Values {
  const entries = Object.entries(values).map(([name, value]) => [
    name,
    value === '-' ? readFileSync(0, 'utf8').trim() : value,
  ]);
  return Object.fromEntries(entries);
}

function optionOf({ name, short, description: what, kind, needed }: Flag, argument: string | undefined): Option {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  const description = needed && name !== argument && !(name in PLACES) ? `${what} (required)` : what;
  if (kind === 'boolean') return new Option(names, description);
  const option = new Option(`${names} <${kind === 'choice' ? 'boolean' : (kind ?? 'text')}>`, description);
  if (kind === 'list') option.argParser((text, before: readonly string[] = []) => [...before, ...text.split(',')]);
  if (kind === 'number') option.argParser(parseNumber);
  if (kind === 'choice') option.choices(['true', 'false']);
  return option;
}

function argumentParser({ kind }: Flag): (text: string) => unknown {
  return kind === 'number' ? parseNumber : (text) => text;
}

function parseNumber(text: string): number {
  if (!/^\d{1,9}(\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError('It is not a number.');
  return Number(text);
}
