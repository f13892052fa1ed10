import { Argument, Command } from 'commander';
import { placesOf } from './command-tree.ts';
import { fishScript } from './fish.ts';
import { bashScript, zshScript } from './posix-shells.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/**
 * `linkspan completion`: a script for a shell.
 * @param program  the whole program, which the script is made from
 */
export function completionCommand(program: () => Promise<Command>): Command {
  return new Command('completion')
    .summary('print what completes commands and flags in a shell')
    .description(
      'Print what completes commands and flags in a shell: source <(linkspan completion bash), ' +
        'source <(linkspan completion zsh), or linkspan completion fish | source.',
    )
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .action(async (shell: keyof typeof SCRIPTS) => {
      process.stdout.write(SCRIPTS[shell](placesOf(await program())));
    });
}
