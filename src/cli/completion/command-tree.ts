import type { Command, Option } from 'commander';

/** What may follow the words of one command, as commander has it. */
export interface Place {
  /** The words without the program's name, each after a space: ` project api-key`. */
  readonly words: string;
  /** As `words`, with the last of them called otherwise, too. */
  readonly spellings: readonly string[];
  readonly next: readonly Word[];
  readonly options: readonly Word[];
}

/** A word that may come, and what may come after it. */
interface Word {
  readonly word: string;
  readonly description: string;
  /** Undefined where it takes no value; empty where any will do. */
  readonly values?: readonly string[];
}

/** Every place of a program where something may follow, the program's own first. */
export function placesOf(program: Command): Place[] {
  return [placeOf(program, '', [''], []), ...placesBelow(program, '', [])];
}

/** @param inherited  options of the commands above, which it takes, too; those of the program are none of them */
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
