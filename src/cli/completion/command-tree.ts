import type { Command, Option } from 'commander';

/** The words that may follow one command, as commander knows them. */
export interface Place {
  /** The command's words without the program's name, each after a space: ` project api-key`. */
  readonly words: string;
  /** The same as `words`, and once more for each alias of the last word. */
  readonly spellings: readonly string[];
  readonly next: readonly Word[];
  readonly options: readonly Word[];
}

/** A word that may follow, and the values that may follow it. */
interface Word {
  readonly word: string;
  readonly description: string;
  /** Undefined if the word takes no value; empty if it takes any value. */
  readonly values?: readonly string[];
}

/** Returns every place of a program, the program's own first. */
export function placesOf(program: Command): Place[] {
  return [placeOf(program, '', [''], []), ...placesBelow(program, '', [])];
}

/** @param inherited  options of the parent commands, without those of the program */
function placesBelow(command: Command, before: string, inherited: readonly Option[]): Place[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .flatMap((child) => {
      const words = `${before} ${child.name()}`;
      const spellings = [child.name(), ...child.aliases()].map((name) => `${before} ${name}`);
      return [
        placeOf(child, words, spellings, inherited),
        ...placesBelow(child, words, [...inherited, ...child.options]),
      ];
    });
}

function placeOf(command: Command, words: string, spellings: readonly string[], inherited: readonly Option[]): Place {
  const help = command.createHelp();
  const children = help.visibleCommands(command).map((child) => ({
    word: child.name(),
    description: child.summary() || child.description(),
  }));
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
  return {
    words,
    spellings,
    next: [...children, ...choices.map((word) => ({ word, description: '' }))],
    options: [...help.visibleOptions(command), ...inherited].map(wordOf),
  };
}

function wordOf({ long, short, description, required, optional, argChoices }: Option): Word {
  const word = long ?? short ?? '';
  return required || optional ? { word, description, values: argChoices ?? [] } : { word, description };
}
