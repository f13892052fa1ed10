import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { UserError } from '../../platform/index.ts';
import { askApi } from './client.ts';
import { type AdministrationCommand, administration, type Flag } from './commands.ts';
import { readProfile } from './profile.ts';
import { tableOf } from './table.ts';

/** A noun of the API with its verbs, such as `linkspan project list`. */
export function administrationCommand(noun: string): Command {
  const group = new Command(noun).summary(
    `${(administration[noun] ?? []).map(({ name }) => name).join(', ')}: by the API`,
  );
  for (const each of administration[noun] ?? []) group.addCommand(verb(each));
  return group;
}

function verb(definition: AdministrationCommand): Command {
  const { name, summary, path, flags = [] } = definition;
  const command = new Command(name).summary(summary).description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
  const hasId = path.includes('{id}');
  if (hasId) command.argument('<id>', 'which one');
  for (const flag of flags) command.addOption(optionOf(flag));
  command
    .option('--orgId <id>', 'organization; by default the one of the profile (env: LINKSPAN_ORG_ID)')
    .option('--projectId <id>', 'project; by default the one of the profile (env: LINKSPAN_PROJECT_ID)')
    .addOption(new Option('--profile <name>', 'of profiles.yaml').env('LINKSPAN_PROFILE').default('default'))
    .addOption(
      new Option('--output <format>', 'for people or for programs').choices(['table', 'json']).default('table'),
    );
  return command.action(async (...given: unknown[]) => {
    const id = hasId ? String(given[0]) : '';
    await run(definition, id, command.opts<Record<string, unknown>>());
  });
}

async function run(
  { method, path, body, columns }: AdministrationCommand,
  id: string,
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const profile = readProfile(String(options.profile));
  const ids: Record<string, string> = {
    id,
    orgId: String(options.orgId ?? profile.orgId ?? ''),
    projectId: String(options.projectId ?? profile.projectId ?? ''),
  };
  const target = path.replace(/\{(\w+)\}/g, (_whole, name: string) => {
    if (!ids[name]) throw new UserError('USAGE', [`--${name} is needed, or a profile that has it`]);
    return encodeURIComponent(ids[name]);
  });
  const answer = await askApi(profile, method, target, body?.(withInput(options), ids));
  if (answer === undefined) return;
  process.stdout.write(options.output === 'json' ? `${JSON.stringify(answer, null, 2)}\n` : tableOf(answer, columns));
}

/** Secrets need not be in the process list. */
function withInput(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(options).map(([name, value]) => [
    name,
    value === '-' ? readFileSync(0, 'utf8').trim() : value,
  ]);
  return Object.fromEntries(entries);
}

function optionOf({ name, description, required = false, kind }: Flag): Option {
  const option = new Option(kind === 'boolean' ? `--${name}` : `--${name} <${kind ?? 'text'}>`, description);
  if (kind === 'list') option.argParser((text) => text.split(','));
  if (kind === 'number') option.argParser(parseWhole);
  return option.makeOptionMandatory(required);
}

function parseWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is not a whole number.');
  return Number(text);
}
