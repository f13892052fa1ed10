import { styleText } from 'node:util';
import { type Command, Help } from 'commander';
import { hasColours, proseWidthOf } from './terminal.ts';
import { wrapAt } from './wrap.ts';

/** Columns that a description needs beside its name. With less room it stands below the name. */
const LEAST_BESIDE = 34;

/** Columns of a help text that is not written to a terminal. */
const DEFAULT_WIDTH = 80;

/** Group of the commands that belong to no other group, such as `help`. */
export const ADDITIONAL = 'Additional commands:';

/** Lays out a command's help as the `gh` CLI does, and fits it to terminals from 60 columns on. */
export function configureHelp(command: Command): void {
  command.configureOutput({
    getOutHelpWidth: () => proseWidthOf(process.stdout) ?? DEFAULT_WIDTH,
    getErrHelpWidth: () => proseWidthOf(process.stderr) ?? DEFAULT_WIDTH,
    getOutHasColors: () => hasColours(process.stdout),
    getErrHasColors: () => hasColours(process.stderr),
  });
  command.helpOption('-h, --help', 'Show help for a command');
  // `helpCommand()` adds the command, so it is called only where commander adds one itself.
  const hasHelpCommand = command
    .createHelp()
    .visibleCommands(command)
    .some((one) => one.name() === 'help');
  if (hasHelpCommand) command.commandsGroup(ADDITIONAL).helpCommand('help [command]', 'Show help for a command');
  command.configureHelp({
    ...command.configureHelp(),
    minWidthToWrap: LEAST_BESIDE,
    // Commander removes the style where the output shows no colours.
    styleTitle: (title) => styleText('bold', title, { validateStream: false }),
    commandUsage: (shown) =>
      new Help()
        .commandUsage(shown)
        .replace(`|${shown.alias()}`, '')
        .replace(
          hasHelpCommand ? '[options] [command]' : '[options]',
          hasHelpCommand ? '<command> [flags]' : '[flags]',
        ),
    // Without aliases: they are in the command's own help.
    subcommandTerm: (one) => one.name(),
    formatItem(this: Help, term, termWidth, description, helper) {
      const width = helper.helpWidth ?? DEFAULT_WIDTH;
      if (width - termWidth - 4 >= LEAST_BESIDE) {
        return Help.prototype.formatItem.call(this, term, termWidth, description, helper);
      }
      return description === '' ? `  ${term}` : `  ${term}\n${wrapAt(`        ${description}`, width, 8)}`;
    },
    formatHelp: helpText,
  });
}

/** Commander's own layout has the flags before the commands and all aliases beside the names. */
function helpText(command: Command, helper: Help): string {
  const width = helper.helpWidth ?? DEFAULT_WIDTH;
  const termWidth = helper.padWidth(command, helper);
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [helper.styleTitle(title), ...lines, ''];
  const items = (pairs: readonly (readonly [term: string, description: string])[]) =>
    pairs.map(([term, description]) => helper.formatItem(term, termWidth, description, helper));
  const options = (those: ReturnType<Help['visibleOptions']>) =>
    items(those.map((option) => [helper.optionTerm(option), helper.optionDescription(option)]));
  const groups = Map.groupBy(helper.visibleCommands(command), (one) => one.helpGroup() || ADDITIONAL);
  const commands = [...groups].flatMap(([title, those]) =>
    section(title, items(those.map((one) => [helper.subcommandTerm(one), helper.subcommandDescription(one)]))),
  );
  const args = helper
    .visibleArguments(command)
    .map((argument) => [helper.argumentTerm(argument), helper.argumentDescription(argument)] as const);
  const aliases = command.aliases();
  return [
    helper.boxWrap(helper.commandDescription(command), width),
    '',
    ...section('Usage:', [`  ${helper.commandUsage(command)}`]),
    ...commands,
    ...section('Arguments:', items(args)),
    ...section('Flags:', options(helper.visibleOptions(command))),
    ...section('Inherited flags:', helper.showGlobalOptions ? options(helper.visibleGlobalOptions(command)) : []),
    ...section(
      'Aliases:',
      aliases.length === 0 ? [] : [wrapAt(`  ${[command.name(), ...aliases].join(', ')}`, width, 2)],
    ),
  ].join('\n');
}

/**
 * Removes `--no-color` from a command line, so that every command accepts it. This process and its children then write without colours.
 * @returns the other words
 */
export function takeNoColor(argv: readonly string[], environment: NodeJS.ProcessEnv = process.env): string[] {
  const end = argv.indexOf('--');
  const isFlag = (word: string, at: number) => word === '--no-color' && (end === -1 || at < end);
  if (argv.some(isFlag)) {
    environment.NO_COLOR = '1';
    // Node.js prefers FORCE_COLOR to NO_COLOR.
    delete environment.FORCE_COLOR;
  }
  return argv.filter((word, at) => !isFlag(word, at));
}
