import { styleText } from 'node:util';
import { type Command, Help } from 'commander';
import { hasColours, proseWidthOf } from './terminal.ts';
import { wrapAt } from './wrap.ts';

/** With less room beside the names, descriptions stand below them. */
const LEAST_BESIDE = 34;

/** Elsewhere than on a terminal. */
const DEFAULT_WIDTH = 80;

/** Has a command's help fit the terminal, from 60 columns on, with headings that stand out. */
export function configureHelp(command: Command): void {
  command.configureOutput({
    getOutHelpWidth: () => proseWidthOf(process.stdout) ?? DEFAULT_WIDTH,
    getErrHelpWidth: () => proseWidthOf(process.stderr) ?? DEFAULT_WIDTH,
    getOutHasColors: () => hasColours(process.stdout),
    getErrHasColors: () => hasColours(process.stderr),
  });
  command.configureHelp({
    ...command.configureHelp(),
    minWidthToWrap: LEAST_BESIDE,
    // Commander takes the style away where the output shows no colours.
    styleTitle: (title) => styleText('bold', title, { validateStream: false }),
    formatItem(this: Help, term, termWidth, description, helper) {
      const width = helper.helpWidth ?? DEFAULT_WIDTH;
      if (width - termWidth - 4 >= LEAST_BESIDE) {
        return Help.prototype.formatItem.call(this, term, termWidth, description, helper);
      }
      return description === '' ? `  ${term}` : `  ${term}\n${wrapAt(`        ${description}`, width, 8)}`;
    },
  });
}

/**
 * Takes `--no-color` out of a command line, so that every command has it, and has this process and its children write without colours.
 * @returns the other words
 */
export function takeNoColor(argv: readonly string[], environment: NodeJS.ProcessEnv = process.env): string[] {
  const end = argv.indexOf('--');
  const isFlag = (word: string, at: number) => word === '--no-color' && (end === -1 || at < end);
  if (argv.some(isFlag)) {
    environment.NO_COLOR = '1';
    // Node.js lets it win.
    delete environment.FORCE_COLOR;
  }
  return argv.filter((word, at) => !isFlag(word, at));
}
